import type { Address } from '../crypto/record-address.ts'
import type { Seal } from '../crypto/seal.ts'
import type { OnEvent } from '../events.ts'
import { idPrefixOf } from '../events.ts'
import { OpenedRecord } from './opened-cache.ts'
import type { OpenedCache } from './opened-cache.ts'
import type { DeleteResult, SaveResult, SessionStore } from './store.ts'

/** A record that was loaded, where from, and the version to save it under. */
export interface Loaded<record, at extends Address = Address> {
  readonly address: at
  readonly record: record
  readonly version: unknown
}

/** Why there is nothing to read. `unknown-secret`: it is sealed with a secret that this process does not have. */
export type NotRead = 'missing' | 'unavailable' | 'unknown-secret'

export interface LoadOptions {
  /** Also moves the expiry. */
  readonly expiresAt?: number | undefined
  /** Where to look for another key if that of the address does not open the record. */
  readonly otherKey?: () => Promise<Address | null>
  /** Emits no event for a record that cannot be opened. */
  readonly isQuiet?: boolean
}

/**
 * The store as the rest of the core sees it: records instead of sealed bytes, and an outage as the value
 * `unavailable` instead of a rejection. What is not an outage (a wrong set-up) still rejects.
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
  ) => Promise<SaveResult | 'unavailable'>
  /** Needs no key: a record that cannot be opened can be deleted. */
  readonly delete: (id: string, version?: unknown) => Promise<DeleteResult | 'unavailable'>
}

/** How a kind of record is written. `decode` gives `null` for bytes of another format. */
export interface Codec<record> {
  /** Bytes of memory that it takes once it is decoded, about; `null`: it holds a token, and is not kept. */
  readonly memoryOf: (record: record) => number | null
  readonly encode: (record: record) => Uint8Array
  readonly decode: (bytes: Uint8Array) => record | null
}

type Operation = 'load' | 'create' | 'save' | 'delete'

/** Codes of rejections that are no outage: see `StoreFaultCode`. */
const faults: readonly unknown[] = ['config', 'auth', 'too-large']

/** What a sealed store stands on. */
export interface SealedStoreContext {
  readonly store: SessionStore
  readonly seal: Seal
  readonly onEvent: OnEvent
  readonly openedCache: OpenedCache
}

export function createSealedStore<record>(
  { store, seal, onEvent, openedCache }: SealedStoreContext,
  codec: Codec<record>,
): SealedStore<record> {
  async function reach<result>(
    id: string,
    operation: Operation,
    call: () => Promise<result>,
  ): Promise<result | 'unavailable'> {
    try {
      return await call()
    } catch (error) {
      onEvent({ type: 'store.failed', idPrefix: idPrefixOf(id), operation, error })
      if (faults.includes((error as { code?: unknown } | null)?.code)) throw error
      return 'unavailable'
    }
  }

  async function unwrap(
    address: Address | null | undefined,
    bytes: Uint8Array,
  ): Promise<record | null> {
    const plain = address ? await seal.open(address, bytes) : null
    if (!address || plain === null) return null
    const opened = new OpenedRecord(bytes, plain)
    const record = opened.read(codec)
    if (record !== null) keep(address, opened, record)
    return record
  }

  /** Keeps what was opened or sealed here, unless it holds a token. */
  function keep(address: Address, opened: OpenedRecord, record: record): void {
    const memory = codec.memoryOf(record)
    if (memory === null) openedCache.delete(address.id)
    else openedCache.add(address, opened, memory)
  }

  return {
    async load(address, { expiresAt, otherKey, isQuiet = false } = {}) {
      const stored = await reach(address.id, 'load', () => store.load(address.id, expiresAt))
      if (stored === null) return 'missing'
      if (stored === 'unavailable') return stored
      const { version } = stored
      const known = openedCache.find(address, stored.bytes)
      const bytes = known ? stored.bytes : ownBytes(stored.bytes)
      const record = known
        ? known.read(codec)
        : ((await unwrap(address, bytes)) ?? (await unwrap(await otherKey?.(), bytes)))
      if (record !== null) return { address, record, version }
      const isForeign = await seal.isForeign(bytes)
      const reason = isForeign ? 'unknown-secret' : 'damaged'
      const idPrefix = idPrefixOf(address.id)
      if (!isQuiet) onEvent({ type: 'record.unreadable', idPrefix, reason })
      return isForeign ? 'unknown-secret' : { address, record, version }
    },
    async create(address, record, expiresAt) {
      const plain = codec.encode(record)
      const bytes = await seal.seal(address, plain)
      const created = await reach(address.id, 'create', () =>
        store.create(address.id, bytes, expiresAt),
      )
      if (created === true) keep(address, new OpenedRecord(bytes, plain), record)
      return created === 'unavailable' ? created : created ? 'created' : 'taken'
    },
    async save(address, record, expiresAt, version) {
      const plain = codec.encode(record)
      const bytes = await seal.seal(address, plain)
      const saved = await reach(address.id, 'save', () =>
        store.save(address.id, bytes, expiresAt, version),
      )
      if (saved === 'saved') keep(address, new OpenedRecord(bytes, plain), record)
      return saved
    },
    async delete(id, version) {
      openedCache.delete(id)
      return reach(id, 'delete', () => store.delete(id, version))
    },
  }
}

/**
 * Out of a buffer that holds more, such as what a socket has read: what is kept would keep all of it. And out of a
 * Buffer of Node, whose `slice` copies nothing.
 */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const isPlain = Object.getPrototypeOf(bytes) === Uint8Array.prototype
  return isPlain && bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}
