import { versionBytes } from '../server/script.ts'

/** A version of a record: 12 random bytes stored with it. */
export type Version = Uint8Array

const batch = 512

/** Creates versions that never repeat for a key, even if it is deleted and recreated, because they are random. */
export class Versions {
  readonly #random = Buffer.alloc(batch * versionBytes)
  #next = batch

  /** A new value: a version followed by the bytes. */
  seal(bytes: Uint8Array): Buffer {
    if (this.#next === batch) {
      crypto.getRandomValues(this.#random)
      this.#next = 0
    }
    const from = this.#next++ * versionBytes
    const value = Buffer.allocUnsafeSlow(versionBytes + bytes.length)
    this.#random.copy(value, 0, from, from + versionBytes)
    value.set(bytes, versionBytes)
    return value
  }
}
