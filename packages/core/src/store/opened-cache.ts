import type { BoundedCache } from '../bounded-cache.ts'
import type { Address } from '../crypto/record-address.ts'
import { isMark } from '../crypto/record-address.ts'
import { sameBytes } from '../crypto/same-bytes.ts'
import type { Codec } from './sealed-store.ts'

/** A record that was opened, decoded when it is first read. */
export class OpenedRecord {
  readonly sealed: Uint8Array
  readonly #plain: Uint8Array
  #decoded: { readonly record: unknown } | null = null

  constructor(sealed: Uint8Array, plain: Uint8Array) {
    this.sealed = sealed
    this.#plain = plain
  }

  /** Bytes, sealed and opened. */
  get size(): number {
    return this.sealed.length + this.#plain.length
  }

  read<record>(codec: Codec<record>): record | null {
    this.#decoded ??= { record: codec.decode(this.#plain) }
    return this.#decoded.record as record | null
  }
}

/**
 * Records that this process opened or sealed lately. A record that comes from the store as it was is not decrypted and
 * decoded again. The store is asked all the same: what it holds is what counts.
 */
export class OpenedCache {
  readonly #records: BoundedCache<OpenedRecord> | null

  /** `null` keeps nothing. */
  constructor(records: BoundedCache<OpenedRecord> | null) {
    this.#records = records
  }

  find(address: Address, sealed: Uint8Array): OpenedRecord | undefined {
    // A mark's address has the id of a session, and does not give its record.
    const known = isMark(address) ? undefined : this.#records?.get(address.id)
    return known !== undefined && sameBytes(known.sealed, sealed) ? known : undefined
  }

  /** `memory`: what the decoded record takes, in bytes. */
  add(address: Address, opened: OpenedRecord, memory: number): void {
    if (!isMark(address)) this.#records?.set(address.id, opened, opened.size + memory)
  }

  delete(id: string): void {
    this.#records?.delete(id)
  }
}
