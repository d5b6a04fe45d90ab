import { versionBytes } from '../server/script.ts'

/** A version of a record: 12 random bytes that are written with it. */
export type Version = Uint8Array

const batch = 512

/** Versions that never come again under one key, also if it is deleted and created anew: they are random. */
export class Versions {
  readonly #random = Buffer.alloc(batch * versionBytes)
  #next = batch

  /** A new value: a version, and the bytes. */
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
