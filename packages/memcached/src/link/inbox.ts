/** A larger buffer is released as soon as it is empty. */
const keep = 64 * 1024

const empty: Buffer = Buffer.alloc(0)

/**
 * The bytes of an incomplete answer. Complete answers are read from the socket's buffer; only the
 * remainder is copied, into a buffer that doubles. (memjs copies all bytes with every chunk and
 * keeps them for the next connection: defects 1, 2 and 19.)
 */
export class Inbox {
  #bytes: Buffer = empty
  #length = 0

  /** The kept bytes followed by `chunk`. Valid until the next call. */
  join(chunk: Buffer): Buffer {
    if (this.#length === 0) return chunk
    this.#append(chunk, 0)
    return this.#bytes.subarray(0, this.#length)
  }

  /** Keeps the bytes that `join` returned, from `start` on. */
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

  /** The kept bytes. */
  get rest(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Releases all memory. */
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
