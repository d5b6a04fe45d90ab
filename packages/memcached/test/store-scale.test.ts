import { createHash } from 'node:crypto'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'

const count = 32_000
const bytes = Uint8Array.of(1, 2, 3)
const later = Date.now() + 24 * 3_600_000
const ids = Array.from({ length: count }, (_, index) =>
  createHash('sha256').update(String(index)).digest('base64url'),
)

let processes: MemcachedProcess[]
const stores: MemcachedStore[] = []
beforeAll(async () => {
  processes = await Promise.all(Array.from({ length: 5 }, () => startMemcached({ trace: false })))
})
afterAll(async () => {
  for (const store of stores) store.close()
  await Promise.all(processes.map((memcached) => memcached.kill()))
})

/** A store on the first `servers` servers. */
function storeOn(servers: number, options: MemcachedStoreOptions = {}): MemcachedStore {
  const addresses = processes.slice(0, servers).map(({ address }) => address)
  const store = memcachedStore({ servers: addresses, deadline: 20_000, ...options })
  stores.push(store)
  return store
}

/** Stores all sessions again, on the first `servers` servers. */
async function fill(servers: number, options?: MemcachedStoreOptions): Promise<void> {
  await Promise.all(processes.map((memcached) => memcached.flush()))
  const store = storeOn(servers, options)
  const created = await inTurns(ids, (id) => store.create(id, bytes, later))
  expect(created.filter(Boolean)).toHaveLength(count)
}

/** The sessions that the store does not find. */
async function lost(store: MemcachedStore): Promise<string[]> {
  const found = await inTurns(ids, (id) => store.load(id))
  return ids.filter((_, index) => found[index] === null)
}

const items = (memcached: MemcachedProcess) =>
  memcached.stats().then((stats) => Number(stats['curr_items']))

/**
 * How many were ever stored. `curr_items` would include flushed records that were not yet removed.
 */
const stored = (memcached: MemcachedProcess) =>
  memcached.stats().then((stats) => Number(stats['total_items']))

describe('32,000 sessions on three servers, and a fourth', () => {
  test('T9: a quarter moves, and only to the new one; by asking the second none is lost', async () => {
    await fill(3)
    const moved = await lost(storeOn(4))
    expect(Math.abs(moved.length / count - 1 / 4)).toBeLessThan(0.02)
    expect(await lost(storeOn(4, { asksSecond: true }))).toEqual([])

    const four = storeOn(4)
    await inTurns(moved, (id) => four.create(id, bytes, later))
    expect(await items(processes[3]!)).toBe(moved.length)
    expect(await lost(four)).toEqual([])
  })

  test('those that have moved are saved and ended where they are', async () => {
    await fill(3)
    const moved = (await lost(storeOn(4))).slice(0, 1000)
    const store = storeOn(4, { asksSecond: true })
    const saved = await inTurns(moved, async (id) => {
      const { version } = (await store.load(id))!
      return store.save(id, Uint8Array.of(9), later, version)
    })
    expect(new Set(saved)).toEqual(new Set(['saved']))
    const loaded = await inTurns(moved, (id) => store.load(id))
    expect(loaded.every((found) => found?.bytes[0] === 9)).toBe(true)
    expect(await items(processes[3]!)).toBe(0)
    const ended = await inTurns(moved, (id) => store.delete(id))
    expect(new Set(ended)).toEqual(new Set(['deleted']))
    expect(await lost(storeOn(3))).toHaveLength(1000)
  })

  test('a process with the old list misses a quarter of what the new one stores, until it is reconfigured', async () => {
    await fill(3)
    const [behind, ahead] = [storeOn(3, { asksSecond: true }), storeOn(4, { asksSecond: true })]
    const started = ids.slice(0, 1000).map((id) => `since-${id}`)
    await inTurns(started, (id) => ahead.create(id, bytes, later))
    const missed = async (store: MemcachedStore, all: readonly string[]): Promise<number> =>
      (await inTurns(all, (id) => store.load(id))).filter((found) => found === null).length
    expect(Math.abs((await missed(behind, started)) / 1000 - 1 / 4)).toBeLessThan(0.06)
    behind.reconfigure(processes.slice(0, 4).map(({ address }) => address))
    expect(await missed(behind, [...ids, ...started])).toBe(0)
  })

  test('by ketama the same, where all have one weight', async () => {
    await fill(3, { distribution: 'ketama' })
    const moved = await lost(storeOn(4, { distribution: 'ketama' }))
    expect(Math.abs(moved.length / count - 1 / 4)).toBeLessThan(0.08)
    expect(await lost(storeOn(4, { distribution: 'ketama', asksSecond: true }))).toEqual([])
  })

  test('a tenth is lost when two are added at once, though the second is asked', async () => {
    await fill(3)
    const share = (await lost(storeOn(5, { asksSecond: true }))).length / count
    expect(Math.abs(share - 1 / 10)).toBeLessThan(0.02)
  })

  test('a quarter is lost with a server of four that is taken away', async () => {
    await fill(4)
    const share = (await lost(storeOn(3, { asksSecond: true }))).length / count
    expect(Math.abs(share - 1 / 4)).toBeLessThan(0.02)
  })

  test('weights are respected, within 5 %', async () => {
    const weights = [1, 2, 5]
    const servers = weights.map((weight, index) => ({ address: processes[index]!.address, weight }))
    for (const distribution of ['rendezvous', 'ketama'] as const) {
      const before = await Promise.all(processes.map(stored))
      await fill(3, { servers, distribution })
      const after = await Promise.all(processes.map(stored))
      for (const [index, weight] of weights.entries()) {
        const ratio = (after[index]! - before[index]!) / count / (weight / 8)
        // Ketama's ring is coarse, in libmemcached as well.
        expect(Math.abs(ratio - 1)).toBeLessThan(distribution === 'ketama' ? 0.35 : 0.05)
      }
    }
  })
})

/** A thousand at a time. */
async function inTurns<result>(
  all: readonly string[],
  act: (id: string) => Promise<result>,
): Promise<result[]> {
  const results: result[] = []
  for (let at = 0; at < all.length; at += 1000) {
    results.push(...(await Promise.all(all.slice(at, at + 1000).map(act))))
  }
  return results
}
