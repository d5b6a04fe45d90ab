import { randomBytes } from 'node:crypto'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import { Meter } from '../measure/measure.ts'
import { median } from '../measure/statistics.ts'
import { standardSize } from '../work.ts'
import type { Work } from '../work.ts'
import { growthSite, recordOf } from './application.ts'
import type { GrowthFigure, GrowthTask } from './task.ts'

/** The length of a sample in milliseconds, and the number of samples. */
export interface GrowthTiming {
  readonly sample: number
  readonly rounds: number
}

const [task, timing] = JSON.parse(process.argv[2] ?? '[]') as [GrowthTask, GrowthTiming]
async function carryOut(task: GrowthTask): Promise<GrowthFigure> {
  switch (task.kind) {
    case 'size':
      return { ...nothing, kind: task.kind, at: task.size, ...(await onMemcached(task)) }
    case 'servers':
      return { ...nothing, kind: task.kind, at: task.ports.length, ...(await onMemcached(task)) }
    case 'sessions':
      return { kind: task.kind, at: task.count, ...(await inMemory(task.count)) }
    case 'capacity':
      return { kind: task.kind, at: task.size, ...(await fill(task)) }
  }
}

const nothing = { bytes: null, perGigabyte: null }

/** With long deadlines, so that a busy machine does not look like an outage. */
function storeOn(ports: readonly number[]): SessionStore {
  const servers = ports.map((port) => `127.0.0.1:${port}`)
  return memcachedStore({ servers, deadline: 10_000, maxQueuedBytes: 2 ** 28 })
}

function onMemcached({
  size,
  ports,
}: {
  readonly size: number
  readonly ports: readonly number[]
}) {
  // The same number of bytes in flight for large sessions as for small ones.
  const inFlight = Math.max(4, Math.min(64, Math.floor(4_000_000 / size)))
  return measure(storeOn(ports), size, inFlight)
}

async function measure(store: SessionStore, size: number, inFlight: number) {
  let bytes = size
  const meter = new Meter(
    growthSite(store, () => bytes),
    false,
    (next) => (bytes = next),
  )
  const visitors = size > 10_000 ? 64 : 1024
  const sampleOf = async (work: Work) => {
    const point = { work, size, inFlight, away: 0, visitors }
    const samples = []
    for (let round = 0; round < timing.rounds; round++) {
      const warm = round === 0 ? 400 : 40
      samples.push(await meter.sample(point, { warm, measured: timing.sample }))
    }
    return {
      cpu: median(samples.map(({ cpu }) => cpu)),
      wall: median(samples.map(({ wall }) => wall)),
    }
  }
  return { read: await sampleOf('read'), change: await sampleOf('change') }
}

/** Measures this many sessions in memory; 1024 of them, or all, take turns. */
async function inMemory(count: number) {
  const store = memoryStore({ maxSessions: 10_000_000, maxBytes: 2 ** 34 })
  const record = await recordOf(memoryStore(), standardSize)
  const before = inUse()
  const end = Date.now() + 86_400_000
  for (let made = 0; made < count; made++) await store.create(newId(), record, end)
  // With fewer sessions, their memory is too small to measure.
  const bytes = count < 1000 ? null : (inUse() - before) / count
  // Visitors created by the first sample are not included.
  const figures = await measure(store, standardSize, 64)
  return { ...figures, bytes, perGigabyte: null }
}

function inUse(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Fills a memcached until it evicts. */
async function fill({ size, megabytes }: { readonly size: number; readonly megabytes: number }) {
  const memcached = await startMemcached({ trace: false, args: ['-m', String(megabytes)] })
  const store = storeOn([memcached.port])
  const record = await recordOf(store, size)
  const end = Date.now() + 86_400_000
  const batch = Math.max(1, Math.floor(1_000_000 / record.length))
  let stats = await memcached.stats()
  while (stats['evictions'] === '0') {
    await Promise.all(Array.from({ length: batch }, () => store.create(newId(), record, end)))
    stats = await memcached.stats()
  }
  await memcached.kill()
  const perByte = Number(stats['curr_items']) / Number(stats['limit_maxbytes'])
  return { read: null, change: null, bytes: record.length, perGigabyte: perByte * 2 ** 30 }
}

const newId = (): string => randomBytes(32).toString('base64url')

process.send!(await carryOut(task), () => process.exit())
