import type { Socket } from 'node:net'

/**
 * Buffers up to this size are kept after a write. It fits 64 sessions of 32 KB at once: otherwise every such write
 * would grow, copy and garbage-collect a new buffer.
 */
const keep = 4 * 1024 * 1024

/** Bytes in the largest TLS record. */
const tlsRecord = 16 * 1024

const empty: Buffer = Buffer.alloc(0)

/**
 * Encoded commands that wait for the socket, so that they leave in one write. There are two
 * buffers: one is filled while the other is written.
 *
 * Over TLS they leave in pieces of whole commands that fit into one TLS record, unless a single
 * command is longer. memcached before 1.6.39 reads the rest of a value from a record and ignores
 * what follows in that record until more bytes arrive, which never happens while the client waits
 * for the answer ("tls: fix potential hang when pipelining sets", 96e05b75f).
 */
export class Outbox {
  #bytes: Buffer = empty
  #spare: Buffer = empty
  /** Where the next command goes. */
  end = 0
  /** Where each piece ends, and where the last one begins. */
  #cuts: number[] = []
  #piece = 0

  /**
   * The buffer, with room for `size` bytes after `end`. The caller writes there and moves `end`.
   */
  reserve(size: number): Buffer {
    const needed = this.end + size
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length, 16_384))
      this.#bytes.copy(larger, 0, 0, this.end)
      this.#bytes = larger
    }
    return this.#bytes
  }

  /** Cuts pieces so that the command from `start` to `end` is not split. `tail`: see `Command`. */
  cut(start: number, tail: number): void {
    const { end } = this
    if (end - this.#piece <= tlsRecord) return
    if (start > this.#piece) this.#cuts.push(start)
    this.#piece = start
    if (end - start <= tlsRecord) return
    this.#piece = end - tail
    this.#cuts.push(this.#piece)
  }

  /** Removes the first `length` bytes: commands that have already failed. */
  drop(length: number): void {
    this.#bytes.copyWithin(0, length, this.end)
    this.end -= length
    this.#piece = Math.max(0, this.#piece - length)
    this.#cuts = this.#cuts.map((cut) => cut - length).filter((cut) => cut > 0)
  }

  /** Writes everything to the socket and calls `written` when the socket has passed it on. */
  flush(socket: Socket, written: () => void): void {
    const bytes = this.#bytes.subarray(0, this.end)
    const cuts = this.#cuts
    this.#bytes = this.#spare
    this.#spare = empty
    this.#cuts = []
    this.#piece = this.end = 0
    const write = (start: number, next: number): void => {
      const end = cuts[next] ?? bytes.length
      const isWhole = start === 0 && end === bytes.length
      socket.write(isWhole ? bytes : bytes.subarray(start, end), (error) => {
        if (!error && end < bytes.length) return write(end, next + 1)
        if (!error && bytes.buffer.byteLength <= keep) this.#spare = Buffer.from(bytes.buffer)
        written()
      })
    }
    write(0, 0)
  }

  /** Releases all memory. */
  clear(): void {
    this.#bytes = this.#spare = empty
    this.#cuts = []
    this.#piece = this.end = 0
  }
}
