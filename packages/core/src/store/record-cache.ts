import type { BoundedCache } from '../bounded-cache.ts'
import type { Address } from '../crypto/record-address.ts'
import { isMark } from '../crypto/record-address.ts'
import type { Kept } from '../crypto/primitives.ts'
import { keepBytes, sameBytes } from '../crypto/same-bytes.ts'
import type { Codec } from './sealed-store.ts'

/** A record that was opened or sealed, decoded when it is first read. */
export class UnsealedRecord {
  readonly sealed: Kept
  /** Bytes of memory, about. Decoded blocks may be parts of two generations of the opened bytes. */
  readonly size: number
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

  read<record>(codec: Codec<record>): record | null {
    if (this.#plain !== null) {
      this.#record = codec.decode(this.#plain)
      this.#plain = null
    }
    return this.#record as record | null
  }
}

/**
 * Records that this process opened or sealed lately. A record that comes from the store as it was is not decrypted and
 * decoded again. The store is asked all the same: what it holds is what counts.
 */
export class RecordCache {
  readonly #records: BoundedCache<UnsealedRecord> | null

  /** `null` keeps nothing. */
  constructor(records: BoundedCache<UnsealedRecord> | null) {
    this.#records = records
  }

  get isOn(): boolean {
    return this.#records !== null
  }

  find(address: Address, sealed: Uint8Array): UnsealedRecord | undefined {
    // A mark's address has the id of a session, and does not give its record.
    const known = isMark(address) ? undefined : this.#records?.get(address.id)
    return known !== undefined && sameBytes(known.sealed, sealed) ? known : undefined
  }

  add(address: Address, record: UnsealedRecord): void {
    if (!isMark(address)) this.#records?.set(address.id, record, record.size)
  }

  delete(id: string): void {
    this.#records?.delete(id)
  }
}
