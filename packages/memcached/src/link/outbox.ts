import type { Socket } from 'node:net'

/** A buffer larger than this is given back to the garbage collector after it was written. */
const keep = 256 * 1024

/** Bytes in the largest record of TLS. */
const record = 16 * 1024

const empty: Buffer = Buffer.alloc(0)

/**
 * The commands of a connection that were not yet handed to its socket, encoded one behind the other
 * so that they leave in one piece. Two buffers take turns: one is filled while the other is
 * written.
 *
 * Over TLS they leave in pieces that have no part of a command and fit into one record, but for a
 * command that is longer. memcached before 1.6.39 reads the rest of a value out of a record and
 * does not look at what else the record holds until more comes from the network, which it does not
 * while we wait for the answer ("tls: fix potential hang when pipelining sets", 96e05b75f).
 */
export class Outbox {
  #bytes: Buffer = empty
  #spare: Buffer = empty
  /** Where the next command goes. */
  end = 0
  /** Where pieces end, and the last one begins. */
  #cuts: number[] = []
  #piece = 0

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

  /** Ends pieces so that the command from `start` to `end` is not torn; `tail`: see `Command`. */
  cut(start: number, tail: number): void {
    const { end } = this
    if (end - this.#piece <= record) return
    if (start > this.#piece) this.#cuts.push(start)
    this.#piece = start
    if (end - start <= record) return
    this.#piece = end - tail
    this.#cuts.push(this.#piece)
  }

  /** Forgets the first `length` bytes: commands that nobody waits for any more. */
  drop(length: number): void {
    this.#bytes.copyWithin(0, length, this.end)
    this.end -= length
    this.#piece = Math.max(0, this.#piece - length)
    this.#cuts = this.#cuts.map((cut) => cut - length).filter((cut) => cut > 0)
  }

  /** Hands everything to the socket; `written`: the socket has handed it on. */
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

  /** Lets go of all memory. */
  clear(): void {
    this.#bytes = this.#spare = empty
    this.#cuts = []
    this.#piece = this.end = 0
  }
}
