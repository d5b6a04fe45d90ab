import type { BoundedCache } from '../bounded-cache.ts'
import type { Address } from '../crypto/record-address.ts'
import { isMark } from '../crypto/record-address.ts'
import type { Seal } from '../crypto/seal.ts'
import type { Codec } from './sealed-store.ts'

/** Bytes that an entry takes beside the record's own, about: measured on Node 24. */
const overhead = 1024

/** A record that was opened, decoded when it is first read. */
export class OpenedRecord {
  readonly fingerprint: Uint8Array | null
  /** Of the sealed bytes. */
  readonly length: number
  readonly #plain: Uint8Array
  #decoded: { readonly record: unknown } | null = null

  constructor(fingerprint: Uint8Array | null, length: number, plain: Uint8Array) {
    this.fingerprint = fingerprint
    this.length = length
    this.#plain = plain
  }

  read<record>(codec: Codec<record>): record | null {
    this.#decoded ??= { record: codec.decode(this.#plain) }
    return this.#decoded.record as record | null
  }
}

/**
 * Records that this process opened or sealed lately. A record whose bytes come from the store unchanged is not
 * decrypted and decoded again. The store is asked all the same: what it holds is what counts.
 */
export class OpenedCache {
  readonly #seal: Seal
  readonly #records: BoundedCache<OpenedRecord> | null

  /** `records`: `null` keeps nothing. */
  constructor(seal: Seal, records: BoundedCache<OpenedRecord> | null) {
    this.#seal = seal
    this.#records = records
  }

  find(address: Address, sealed: Uint8Array): OpenedRecord | undefined {
    // A mark's address has the id of a session, and does not give its record.
    const known = isMark(address) ? undefined : this.#records?.get(address.id)
    if (!known?.fingerprint || known.length !== sealed.length) return undefined
    return this.#seal.hasFingerprint(sealed, known.fingerprint) ? known : undefined
  }

  add(address: Address, sealed: Uint8Array, plain: Uint8Array): OpenedRecord {
    const opened = new OpenedRecord(this.#seal.fingerprintOf(sealed), sealed.length, plain)
    if (opened.fingerprint !== null && !isMark(address)) {
      this.#records?.set(address.id, opened, plain.length + overhead)
    }
    return opened
  }

  delete(id: string): void {
    this.#records?.delete(id)
  }
}
