import { randomBytes } from 'node:crypto'
import { SessionError } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import type { MemcachedStore, MemcachedStoreOptions } from '@coatcheck/memcached'
import { inspectServers } from '@coatcheck/memcached/inspect'
import type { ServerInspection } from '@coatcheck/memcached/inspect'
import { grouped, numberIn, quantile, sessionsThatFit } from './numbers.ts'

export interface BenchOptions extends Omit<MemcachedStoreOptions, 'prefix'> {
  /** Records that are written, read, replaced and deleted. Default: 2000, at most 100,000. */
  readonly sessions?: number
  /** Bytes of each. Default: 1000. */
  readonly bytes?: number
  /** Commands in progress at the same time. Default: 32. */
  readonly concurrency?: number
}

/** How long the commands of one kind took. All times in milliseconds. */
export interface Timing {
  readonly command: 'create' | 'load' | 'save' | 'delete'
  readonly perSecond: number
  readonly median: number
  readonly p99: number
  readonly longest: number
  /** Commands that were rejected, or whose outcome was another than it should be. */
  readonly failed: number
}

export interface BenchResult {
  readonly format: 1
  readonly sessions: number
  readonly bytes: number
  readonly concurrency: number
  readonly timings: readonly Timing[]
  /** Records that could not be deleted; they expire within a minute. */
  readonly left: number
}

/** Milliseconds that a record lives if it is not deleted. */
const lifetime = 60_000

const most = 100_000

/**
 * Measures your servers: creates, loads, saves and deletes records under its own prefix, and removes them. It uses at
 * most a tenth of the free memory of the servers, so it evicts nothing.
 * @throws {SessionError} `invalid-option`, also if the records would take more; rejects with a `StoreError` if a server
 * cannot be used.
 */
export async function runBench(options: BenchOptions = {}): Promise<BenchResult> {
  const { sessions = 2000, bytes = 1000, concurrency = 32, ...store } = options
  checkCount('sessions', sessions, most)
  checkCount('bytes', bytes, store.maxBytes ?? 1_000_000)
  checkCount('concurrency', concurrency, 1000)
  await checkRoom(store, sessions, bytes)
  const prefix = `coatcheck-bench:${randomBytes(6).toString('base64url')}:`
  const subject = memcachedStore({ ...store, prefix })
  try {
    return {
      format: 1,
      sessions,
      bytes,
      concurrency,
      ...(await measure(subject, { sessions, bytes, concurrency })),
    }
  } finally {
    subject.close()
  }
}

interface Load {
  readonly sessions: number
  readonly bytes: number
  readonly concurrency: number
}

async function measure(
  store: MemcachedStore,
  { sessions, bytes, concurrency }: Load,
): Promise<Pick<BenchResult, 'timings' | 'left'>> {
  const ids = Array.from({ length: sessions }, () => randomBytes(32).toString('base64url'))
  const value = randomBytes(bytes)
  const expiresAt = Date.now() + lifetime
  const versions = new Map<string, Awaited<ReturnType<MemcachedStore['load']>>>()
  const time = (command: Timing['command'], run: (id: string) => Promise<boolean>) =>
    timeAll(command, ids, concurrency, run)
  const create = await time('create', (id) => store.create(id, value, expiresAt))
  const load = await time('load', async (id) => {
    const record = await store.load(id, expiresAt)
    versions.set(id, record)
    return record?.bytes.length === bytes
  })
  const save = await time('save', async (id) => {
    const record = versions.get(id)
    if (record == null) return false
    return (await store.save(id, value, expiresAt, record.version)) === 'saved'
  })
  const remove = await time('delete', async (id) => (await store.delete(id)) === 'deleted')
  return { timings: [create, load, save, remove], left: remove.failed }
}

async function timeAll(
  command: Timing['command'],
  ids: readonly string[],
  concurrency: number,
  run: (id: string) => Promise<boolean>,
): Promise<Timing> {
  const times: number[] = []
  let failed = 0
  let next = 0
  const begun = performance.now()
  const work = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const sent = performance.now()
      const isDone = await run(id).catch(() => false)
      times.push(performance.now() - sent)
      if (!isDone) failed++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  const seconds = (performance.now() - begun) / 1000
  return {
    command,
    perSecond: Math.round(ids.length / seconds),
    median: quantile(times, 0.5) ?? 0,
    p99: quantile(times, 0.99) ?? 0,
    longest: Math.max(0, ...times.slice(0, most)),
    failed,
  }
}

function checkCount(name: string, value: number, limit: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= limit) return
  const message = `bench: ${name} must be a whole number from 1 to ${grouped(limit)}`
  throw new SessionError('invalid-option', message)
}

/** A benchmark must not evict the sessions of visitors. */
async function checkRoom(
  store: MemcachedStoreOptions,
  sessions: number,
  bytes: number,
): Promise<void> {
  const servers = await inspectServers(store)
  const unusable = servers.find(({ error }) => error !== null)
  if (unusable?.error) throw unusable.error
  const room = servers.reduce((sum, server) => sum + roomOf(server, bytes), 0)
  if (sessions <= room) return
  const what = `${grouped(sessions)} records of ${grouped(bytes)} bytes would take more than a tenth of the free memory`
  throw new SessionError('invalid-option', `bench: ${what}: take at most ${grouped(room)}`)
}

/** Records of a size that take a tenth of the free memory. A server that does not tell its memory gets few. */
function roomOf({ stats }: ServerInspection, bytes: number): number {
  const limit = numberIn(stats?.general, 'limit_maxbytes')
  const used = numberIn(stats?.general, 'bytes')
  if (limit === null || used === null) return 2000
  return Math.floor(sessionsThatFit(Math.max(0, limit - used), bytes) / 10)
}
