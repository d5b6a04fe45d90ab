import type { Kept } from '../crypto/primitives.ts'
import { keepBytes, sameBytes } from '../crypto/same-bytes.ts'
import type { Codec } from './sealed-store.ts'
import type { StoredRecord } from './store.ts'

/**
 * A record that this process recently opened or sealed; decoded when first read. If the store returns the same bytes,
 * they are not decrypted and decoded again. The store is still queried, because it is authoritative.
 */
export class UnsealedRecord {
  readonly sealed: Kept
  /** The approximate memory in bytes. Decoded blocks may be views of two generations of the opened bytes. */
  readonly size: number
  /** Passed to the store as `known`. Set for a large record once the store has returned it again. */
  stored: StoredRecord | undefined
  #plain: Uint8Array | null
  #record: unknown

  /** `record`: the decoded `plain`; `null` if not decoded yet. `memory`: what the decoded record takes, in bytes. */
  constructor(sealed: Uint8Array, plain: Uint8Array, record: unknown, memory: number) {
    this.sealed = keepBytes(sealed)
    this.size = memory + sealed.length + plain.length * (record === null ? 1 : 2)
    this.#plain = record === null ? new Uint8Array(plain) : null
    this.#record = record
  }

  /** The record, if the store returned the same bytes. */
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
