import type { OnEvent } from './events.ts'
import { handleOf } from './events.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import type { SessionRecord } from './record.ts'
import type { DeleteResult, SaveResult, SessionStore } from './store.ts'

/** A record that was loaded, and the version to save it under. */
export interface Loaded {
  readonly record: SessionRecord
  readonly version: unknown
}

/**
 * The store as the rest of the core sees it: records instead of bytes, and an outage as the value
 * `unavailable` instead of a rejection. What is not an outage (a wrong set-up) still rejects.
 */
export interface Vault {
  readonly load: (
    id: string,
    expiresAt?: number,
  ) => Promise<Loaded | 'missing' | 'unreadable' | 'unavailable'>
  readonly create: (
    id: string,
    record: SessionRecord,
    expiresAt: number,
  ) => Promise<'created' | 'taken' | 'unavailable'>
  readonly save: (
    id: string,
    record: SessionRecord,
    expiresAt: number,
    version: unknown,
  ) => Promise<SaveResult | 'unavailable'>
  readonly delete: (id: string, version?: unknown) => Promise<DeleteResult | 'unavailable'>
}

type Operation = 'load' | 'create' | 'save' | 'delete'

/** Codes of rejections that are no outage: see `StoreFaultCode`. */
const faults: readonly unknown[] = ['config', 'auth', 'too-large']

export function createVault(store: SessionStore, onEvent: OnEvent): Vault {
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

  return {
    async load(id, expiresAt) {
      const stored = await reach(id, 'load', () => store.load(id, expiresAt))
      if (stored === null) return 'missing'
      if (stored === 'unavailable') return stored
      const record = decodeRecord(stored.bytes)
      if (record !== null) return { record, version: stored.version }
      onEvent({ type: 'record.unreadable', handle: handleOf(id), reason: 'damaged' })
      return 'unreadable'
    },
    async create(id, record, expiresAt) {
      const bytes = encodeRecord(record)
      const created = await reach(id, 'create', () => store.create(id, bytes, expiresAt))
      return created === 'unavailable' ? created : created ? 'created' : 'taken'
    },
    async save(id, record, expiresAt, version) {
      const bytes = encodeRecord(record)
      return reach(id, 'save', () => store.save(id, bytes, expiresAt, version))
    },
    async delete(id, version) {
      return reach(id, 'delete', () => store.delete(id, version))
    },
  }
}
