/** A buffer larger than this is given back to the garbage collector after it was written. */
const keep = 256 * 1024

const empty: Buffer = Buffer.alloc(0)

/**
 * The commands of a connection that were not yet handed to its socket, encoded one behind the other
 * so that they leave in one piece. Two buffers take turns: one is filled while the other is
 * written.
 */
export class Outbox {
  #bytes: Buffer = empty
  #spare: Buffer = empty
  /** Where the next command goes. */
  end = 0

  /** The buffer, with room for `size` bytes behind `end`. The writer moves `end`. */
  reserve(size: number): Buffer {
    const needed = this.end + size
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length, 16_384))
      this.#bytes.copy(larger, 0, 0, this.end)
      this.#bytes = larger
    }
    return this.#bytes
  }

  /** Forgets the first `length` bytes: commands that nobody waits for any more. */
  drop(length: number): void {
    this.#bytes.copyWithin(0, length, this.end)
    this.end -= length
  }

  /** Everything there is, to be written; nobody touches it until it comes back by `recycle`. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.end)
    this.#bytes = this.#spare
    this.#spare = empty
    this.end = 0
    return bytes
  }

  /** Gives back what `take` gave. */
  recycle(bytes: Buffer): void {
    if (bytes.buffer.byteLength <= keep) this.#spare = Buffer.from(bytes.buffer)
  }

  /** Lets go of all memory. */
  clear(): void {
    this.#bytes = this.#spare = empty
    this.end = 0
  }
}
