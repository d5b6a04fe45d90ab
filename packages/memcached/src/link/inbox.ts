/** A buffer larger than this is given back to the garbage collector once it is empty. */
const keep = 64 * 1024

const empty: Buffer = Buffer.alloc(0)

/**
 * The bytes of an answer of which the end has not come yet. Complete answers are read where the
 * socket put them; only a rest is copied, into a buffer that doubles. (memjs copies everything it
 * has with each chunk that comes, and keeps it for the next connection: defects 1, 2 and 19.)
 */
export class Inbox {
  #bytes: Buffer = empty
  #length = 0

  /** What was kept, and `chunk` behind it. Valid until the next call. */
  join(chunk: Buffer): Buffer {
    if (this.#length === 0) return chunk
    this.#append(chunk, 0)
    return this.#bytes.subarray(0, this.#length)
  }

  /** Keeps what `join` gave from `start` on. */
  keep(bytes: Buffer, start: number): void {
    if (start === bytes.length) {
      this.#length = 0
      if (this.#bytes.length > keep) this.#bytes = empty
    } else if (this.#length === 0) {
      this.#append(bytes, start)
    } else {
      this.#bytes.copyWithin(0, start, this.#length)
      this.#length -= start
    }
  }

  /** What was kept. */
  get rest(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Lets go of all memory. */
  clear(): void {
    this.#bytes = empty
    this.#length = 0
  }

  #append(chunk: Buffer, start: number): void {
    const needed = this.#length + chunk.length - start
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length, 4096))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    chunk.copy(this.#bytes, this.#length, start)
    this.#length = needed
  }
}
