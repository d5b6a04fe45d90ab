import { copyBytes, createArena } from '../crypto/arena.ts'
import { SessionError } from '../errors.ts'
import type {
  DeleteResult,
  SaveResult,
  SessionStore,
  StoredRecord,
  StoreFaultCode,
} from './store.ts'

/** Settings of `memoryStore`. Each has a default. */
export interface MemoryStoreOptions {
  /**
   * The largest number of records. A whole number from 1. Default: 10,000.
   */
  readonly maxSessions?: number
  /**
   * The largest memory of all records, in bytes: their bytes, plus 512 for each. A whole number from 512. Default: 64
   * MiB.
   */
  readonly maxBytes?: number
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/** A store in the memory of this process. */
export interface MemoryStore extends SessionStore<number> {
  readonly inProcess: true
  /** The number of records, including expired ones that have not been removed yet. */
  readonly size: number
  /** The memory of all records, in bytes, as `maxBytes` counts it. */
  readonly bytes: number
}

interface MemoryRecord {
  readonly bytes: Uint8Array
  readonly version: number
  expiresAt: number
}

/** Memory per record besides its bytes. Measured on Node 24 with ids of 43 characters: 365 to 420. */
const overhead = 512

const known: readonly string[] = ['maxSessions', 'maxBytes', 'now']

/** The records that each operation sweeps. An operation adds at most one record, so the sweep always catches up. */
const sweepSteps = 4

/**
 * A store in the memory of this process, which behaves like memcached. Use it for development, tests and one small
 * server: sessions end with the process, and processes do not share them.
 *
 * Above a limit, the least recently used records are removed first (`load`, `create` and `save` are uses). An expired
 * record is never returned. There is no timer that would keep the process alive: each operation checks four records and
 * removes expired ones.
 *
 * `create` and `save` reject with a RangeError whose `code` is `too-large`, and change nothing, if one record alone is
 * larger than `maxBytes`.
 *
 * @throws {SessionError} `invalid-option` if an option cannot work.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxSessions = 10_000, maxBytes = 64 * 1024 * 1024, now = () => Date.now() } = options
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const message = `memoryStore: ${unknown} is no option: there are ${known.join(', ')}`
    throw new SessionError('invalid-option', message)
  }
  requireWhole('maxSessions', maxSessions, 1)
  requireWhole('maxBytes', maxBytes, overhead)
  if (typeof now !== 'function') {
    throw new SessionError(
      'invalid-option',
      'memoryStore: now must be a function that returns milliseconds',
    )
  }

  // A Map keeps insertion order, and a used record is reinserted, so the first is the least recently used.
  const kept = new Map<string, MemoryRecord>()
  const allocate = createArena()
  let hand = kept.entries()
  let held = 0
  let lastVersion = 0

  function find(id: string, time: number): MemoryRecord | undefined {
    sweep(time)
    const record = kept.get(id)
    return record !== undefined && isLive(record, time) ? record : undefined
  }

  function keep(id: string, record: MemoryRecord, time: number): void {
    const former = kept.get(id)
    if (former !== undefined) forget(id, former)
    if (!isLive(record, time)) return
    kept.set(id, record)
    held += costOf(record.bytes)
    evict()
  }

  function forget(id: string, record: MemoryRecord): void {
    kept.delete(id)
    held -= costOf(record.bytes)
  }

  function evict(): void {
    for (const [id, record] of kept) {
      if (kept.size <= maxSessions && held <= maxBytes) return
      forget(id, record)
    }
  }

  function sweep(time: number): void {
    for (let step = 0; step < sweepSteps; step++) {
      const next = hand.next()
      if (next.done) {
        hand = kept.entries()
        return
      }
      const [id, record] = next.value
      if (!isLive(record, time)) forget(id, record)
    }
  }

  function newRecord(bytes: Uint8Array, expiresAt: number): MemoryRecord {
    const cost = costOf(bytes)
    if (cost > maxBytes) throw tooLarge(cost, maxBytes)
    // Not bytes.slice(): on a Node Buffer it returns a view.
    return { bytes: new Uint8Array(bytes), version: ++lastVersion, expiresAt }
  }

  return {
    inProcess: true,
    get size(): number {
      return kept.size
    },
    get bytes(): number {
      return held
    },
    async load(id: string, expiresAt?: number): Promise<StoredRecord<number> | null> {
      const time = now()
      const record = find(id, time)
      if (record === undefined) return null
      if (expiresAt !== undefined) record.expiresAt = expiresAt
      kept.delete(id)
      if (isLive(record, time)) kept.set(id, record)
      else held -= costOf(record.bytes)
      return { bytes: copyBytes(allocate, record.bytes), version: record.version }
    },
    async create(id: string, bytes: Uint8Array, expiresAt: number): Promise<boolean> {
      const time = now()
      const record = newRecord(bytes, expiresAt)
      if (find(id, time) !== undefined) return false
      keep(id, record, time)
      return true
    },
    async save(
      id: string,
      bytes: Uint8Array,
      expiresAt: number,
      version: number,
    ): Promise<SaveResult> {
      const time = now()
      const record = newRecord(bytes, expiresAt)
      const found = find(id, time)
      if (found === undefined) return 'missing'
      if (found.version !== version) return 'conflict'
      keep(id, record, time)
      return 'saved'
    },
    async delete(id: string, version?: number): Promise<DeleteResult> {
      const found = find(id, now())
      if (found === undefined) return 'missing'
      if (version !== undefined && found.version !== version) return 'conflict'
      forget(id, found)
      return 'deleted'
    },
  }
}

function isLive(record: MemoryRecord, time: number): boolean {
  return record.expiresAt > time
}

function costOf(bytes: Uint8Array): number {
  return bytes.length + overhead
}

function requireWhole(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  const allowed = `a whole number of at least ${least}`
  throw new SessionError(
    'invalid-option',
    `memoryStore: ${option} must be ${allowed}, got ${String(value)}`,
  )
}

function tooLarge(cost: number, maxBytes: number): RangeError {
  const size = `${cost} bytes (${overhead} of them overhead)`
  const message =
    `memoryStore: a record of ${size} is larger than maxBytes, which is ${maxBytes}: ` +
    'raise maxBytes, or keep less in the session'
  const code: StoreFaultCode = 'too-large'
  return Object.assign(new RangeError(message), { code })
}
