import type { OnEvent } from '../events.ts'
import { handleOf } from '../events.ts'
import type { Seal } from '../crypto/seal.ts'
import type { DeleteResult, SaveResult, SessionStore } from './store.ts'
import type { Identity } from '../crypto/token.ts'

/** A record that was loaded, where from, and the version to save it under. */
export interface Loaded<record> {
  readonly identity: Identity
  readonly record: record
  readonly version: unknown
}

/**
 * The store as the rest of the core sees it: records instead of sealed bytes, and an outage as the value
 * `unavailable` instead of a rejection. What is not an outage (a wrong set-up) still rejects.
 */
export interface Vault<record> {
  readonly load: (
    identity: Identity,
    expiresAt?: number,
  ) => Promise<Loaded<record> | 'missing' | 'unreadable' | 'unavailable'>
  readonly create: (
    identity: Identity,
    record: record,
    expiresAt: number,
  ) => Promise<'created' | 'taken' | 'unavailable'>
  readonly save: (
    identity: Identity,
    record: record,
    expiresAt: number,
    version: unknown,
  ) => Promise<SaveResult | 'unavailable'>
  readonly delete: (identity: Identity, version?: unknown) => Promise<DeleteResult | 'unavailable'>
  /** Whether there is a record under an id, whoever can open it. */
  readonly has: (id: string) => Promise<boolean | 'unavailable'>
}

/** How a kind of record is written. `decode` gives `null` for what it does not know. */
export interface Codec<record> {
  readonly encode: (record: record) => Uint8Array
  readonly decode: (bytes: Uint8Array) => record | null
}

type Operation = 'load' | 'create' | 'save' | 'delete'

/** Codes of rejections that are no outage: see `StoreFaultCode`. */
const faults: readonly unknown[] = ['config', 'auth', 'too-large']

export function createVault<record>(
  store: SessionStore,
  seal: Seal,
  codec: Codec<record>,
  onEvent: OnEvent,
): Vault<record> {
  async function reach<result>(
    id: string,
    operation: Operation,
    call: () => Promise<result>,
  ): Promise<result | 'unavailable'> {
    try {
      return await call()
    } catch (error) {
      onEvent({ type: 'store.failed', handle: handleOf(id), operation, error })
      if (faults.includes((error as { code?: unknown } | null)?.code)) throw error
      return 'unavailable'
    }
  }

  const wrap = (identity: Identity, record: record): Promise<Uint8Array> =>
    seal.seal(identity, codec.encode(record))

  return {
    async load(identity, expiresAt) {
      const stored = await reach(identity.id, 'load', () => store.load(identity.id, expiresAt))
      if (stored === null) return 'missing'
      if (stored === 'unavailable') return stored
      const plain = await seal.open(identity, stored.bytes)
      const record = plain && codec.decode(plain)
      if (record !== null) return { identity, record, version: stored.version }
      onEvent({ type: 'record.unreadable', handle: handleOf(identity.id), reason: 'damaged' })
      return 'unreadable'
    },
    async create(identity, record, expiresAt) {
      const bytes = await wrap(identity, record)
      const created = await reach(identity.id, 'create', () =>
        store.create(identity.id, bytes, expiresAt),
      )
      return created === 'unavailable' ? created : created ? 'created' : 'taken'
    },
    async save(identity, record, expiresAt, version) {
      const bytes = await wrap(identity, record)
      return reach(identity.id, 'save', () => store.save(identity.id, bytes, expiresAt, version))
    },
    async delete({ id }, version) {
      return reach(id, 'delete', () => store.delete(id, version))
    },
    async has(id) {
      const stored = await reach(id, 'load', () => store.load(id))
      return stored === 'unavailable' ? stored : stored !== null
    },
  }
}
