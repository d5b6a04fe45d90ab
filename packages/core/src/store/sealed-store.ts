import type { BoundedCache } from '../bounded-cache.ts'
import { isPromise } from '../crypto/is-promise.ts'
import type { Address } from '../crypto/record-address.ts'
import { isMark } from '../crypto/record-address.ts'
import type { Eventually } from '../crypto/primitives.ts'
import type { Seal } from '../crypto/sealed-frame.ts'
import type { OnEvent } from '../events.ts'
import { idPrefixOf } from '../events.ts'
import { UnsealedRecord } from './unsealed-record.ts'
import type { DeleteResult, SaveResult, SessionStore, StoredRecord } from './store.ts'

/** A loaded record, its address, and the version to save it under. */
export interface Loaded<record, at extends Address = Address> {
  readonly address: at
  readonly record: record
  readonly version: unknown
}

/** Why nothing was read. `unknown-secret`: it is sealed with a secret that this process does not have. */
export type NotRead = 'missing' | 'unavailable' | 'unknown-secret'

export interface LoadOptions {
  /** Also moves the expiry. */
  readonly expiresAt?: number | undefined
  /** The address whose key to try if that of `address` does not open the record. */
  readonly otherKey?: () => Promise<Address | null>
  /**
   * Returns `null` with a version, instead of `unknown-secret`, for a record that another process may be able to open.
   * Default: false.
   */
  readonly overwrites?: boolean
  /** Emits no event for a record that cannot be opened. */
  readonly isQuiet?: boolean
}

/**
 * The store as the rest of the core sees it: records instead of sealed bytes, and an outage as the value `unavailable`
 * instead of a rejection. Anything else, such as a configuration error, still rejects.
 */
export interface SealedStore<record> {
  /** A record that cannot be opened is `null`, or `unknown-secret` if another process may be able to open it. */
  readonly load: <at extends Address>(
    address: at,
    options?: LoadOptions,
  ) => Promise<Loaded<record | null, at> | NotRead>
  readonly create: (
    address: Address,
    record: record,
    expiresAt: number,
  ) => Promise<'created' | 'taken' | 'unavailable'>
  readonly save: (
    address: Address,
    record: record,
    expiresAt: number,
    version: unknown,
    ends?: boolean,
  ) => Promise<SaveResult | 'unavailable'>
  /** Needs no key, so it can delete a record that cannot be opened. */
  readonly delete: (id: string, version?: unknown) => Promise<DeleteResult | 'unavailable'>
}

/** The encoding of a kind of record. `decode` returns `null` for bytes of another format. */
export interface Codec<record> {
  /** The approximate memory of the decoded record, in bytes; `null`: it holds a token and must not be cached. */
  readonly memoryOf: (record: record) => number | null
  readonly encode: (record: record) => Uint8Array
  /**
   * The result of `decode` for this record's bytes (`size` of them), if it is known without decoding and takes at most
   * twice as much memory; otherwise `null`.
   */
  readonly asDecoded: (record: record, size: number) => record | null
  readonly decode: (bytes: Uint8Array) => record | null
  /**
   * Whether an id may be reused once its record is gone. Then `known` is not passed to the store: behind a proxy, a
   * restarted server may give the same version to another record. Default: false.
   */
  readonly reusesIds?: boolean
}

interface SealedRecord {
  /** The bytes for the store. */
  readonly bytes: Uint8Array
  /** What to cache once the store has the record; `null`: nothing. */
  readonly known: UnsealedRecord | null
}

type Operation = 'load' | 'create' | 'save' | 'delete'

/** Error codes that do not mean an outage: see `StoreFaultCode`. */
const faults: readonly unknown[] = ['config', 'auth', 'too-large']

/** The dependencies of a sealed store. */
export interface SealedStoreContext {
  readonly store: SessionStore
  readonly seal: Seal
  readonly onEvent: OnEvent
  /** By id. `null`: no caching. */
  readonly recordCache: BoundedCache<UnsealedRecord> | null
}

export function createSealedStore<record>(
  { store, seal, onEvent, recordCache }: SealedStoreContext,
  codec: Codec<record>,
): SealedStore<record> {
  /** Handles a rejection of the store. Rethrows it if it does not mean an outage. */
  function failed(id: string, operation: Operation, error: unknown): 'unavailable' {
    onEvent({ type: 'store.failed', idPrefix: idPrefixOf(id), operation, error })
    if (faults.includes((error as { code?: unknown } | null)?.code)) throw error
    return 'unavailable'
  }

  async function unwrap(
    address: Address | null | undefined,
    bytes: Uint8Array,
  ): Promise<record | null> {
    const plain = address ? await seal.open(address, bytes) : null
    if (!address || plain === null) return null
    const record = codec.decode(plain)
    if (record !== null) keep(address, unsealed(bytes, plain, record))
    return record
  }

  /** What to cache of a record; `null`: nothing, for example because it holds a token. */
  function unsealed(sealed: Uint8Array, plain: Uint8Array, record: record): UnsealedRecord | null {
    const memory = recordCache && codec.memoryOf(record)
    if (memory === null) return null
    return new UnsealedRecord(sealed, plain, codec.asDecoded(record, plain.length), memory)
  }

  function keep(address: Address, known: UnsealedRecord | null): void {
    if (known === null) recordCache?.delete(address.id)
    // A mark's address has the id of a session, but not the key of its record.
    else if (!isMark(address)) recordCache?.set(address.id, known, known.size)
  }

  function sealRecord(address: Address, record: record): Eventually<SealedRecord> {
    const plain = codec.encode(record)
    const finish = (bytes: Uint8Array): SealedRecord => {
      // Before the store gets the bytes, because it may transfer them.
      const known = unsealed(bytes, plain, record)
      // The record may hold a token, and the arena stays in memory.
      plain.fill(0)
      return { bytes, known }
    }
    const sealing = seal.seal(address, plain)
    return isPromise(sealing) ? sealing.then(finish) : finish(sealing)
  }

  return {
    async load(address, { expiresAt, otherKey, overwrites = false, isQuiet = false } = {}) {
      const known = isMark(address) ? undefined : recordCache?.get(address.id)
      let stored: StoredRecord | null | 'unavailable'
      try {
        stored = await store.load(
          address.id,
          expiresAt,
          codec.reusesIds ? undefined : known?.stored,
        )
      } catch (error) {
        // The next load must take a single round trip, whatever went wrong with `known`.
        if (known) known.stored = undefined
        stored = failed(address.id, 'load', error)
      }
      if (stored === null) return 'missing'
      if (stored === 'unavailable') return stored
      const { bytes, version } = stored
      const record =
        known?.read(codec, stored) ??
        (await unwrap(address, bytes)) ??
        (await unwrap(await otherKey?.(), bytes))
      if (record !== null) return { address, record, version }
      const isForeign = await seal.isForeign(bytes)
      const reason = isForeign ? 'unknown-secret' : 'damaged'
      const idPrefix = idPrefixOf(address.id)
      if (!isQuiet) onEvent({ type: 'record.unreadable', idPrefix, reason })
      return isForeign && !overwrites ? 'unknown-secret' : { address, record, version }
    },
    async create(address, record, expiresAt) {
      const sealing = sealRecord(address, record)
      const { bytes, known } = isPromise(sealing) ? await sealing : sealing
      try {
        const isCreated = await store.create(address.id, bytes, expiresAt)
        if (isCreated) keep(address, known)
        return isCreated ? 'created' : 'taken'
      } catch (error) {
        return failed(address.id, 'create', error)
      }
    },
    async save(address, record, expiresAt, version, ends) {
      const sealing = sealRecord(address, record)
      const { bytes, known } = isPromise(sealing) ? await sealing : sealing
      try {
        const rest = ends ? ([true] as const) : []
        const saved = await store.save(address.id, bytes, expiresAt, version, ...rest)
        if (saved === 'saved') keep(address, known)
        return saved
      } catch (error) {
        return failed(address.id, 'save', error)
      }
    },
    async delete(id, version) {
      recordCache?.delete(id)
      try {
        return await store.delete(id, version)
      } catch (error) {
        return failed(id, 'delete', error)
      }
    },
  }
}
