import type { Kept } from '../crypto/primitives.ts'
import { keepBytes, sameBytes } from '../crypto/same-bytes.ts'
import type { Codec } from './sealed-store.ts'
import type { StoredRecord } from './store.ts'

/**
 * A record that this process opened or sealed lately, decoded when it is first read. If it comes from the store as it
 * was, it is not decrypted and decoded again. The store is asked all the same: what it holds is what counts.
 */
export class UnsealedRecord {
  readonly sealed: Kept
  /** Bytes of memory, about. Decoded blocks may be parts of two generations of the opened bytes. */
  readonly size: number
  /** What the store is told to know already. Set for a large record once the store has given it again. */
  stored: StoredRecord | undefined
  #plain: Uint8Array | null
  #record: unknown

  /**
   * `record`: what `plain` is decoded to; `null` if that is not known yet. `memory`: what the decoded record takes, in bytes.
   */
  constructor(sealed: Uint8Array, plain: Uint8Array, record: unknown, memory: number) {
    this.sealed = keepBytes(sealed)
    this.size = memory + sealed.length + plain.length * (record === null ? 1 : 2)
    this.#plain = record === null ? new Uint8Array(plain) : null
    this.#record = record
  }

  /** The record, if that is what the store gave. */
  read<record>(codec: Codec<record>, { bytes, version }: StoredRecord): record | null {
    const { sealed } = this
    if (!sameBytes(sealed, bytes)) return null
    if (typeof sealed !== 'string') this.stored = { bytes: sealed, version }
    if (this.#plain !== null) {
      this.#record = codec.decode(this.#plain)
      this.#plain = null
    }
    return this.#record as record | null
  }
}
