import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memcachedStore } from '../src/index.ts'
import type { MemcachedStore, MemcachedStoreOptions } from '../src/index.ts'
import { patient } from './patience.ts'

const large = 16 * 1024
const forever = Date.now() + 86_400_000
const filled = (length: number, byte: number): Uint8Array => Buffer.alloc(length, byte)

let memcached: MemcachedProcess
let ids = 0
let id: string
beforeAll(async () => void (memcached = await startMemcached({ trace: false })))
afterAll(() => memcached.kill())
beforeEach(() => void (id = `known-${ids++}`))

/** A store of its own connection. */
async function using<result>(
  options: MemcachedStoreOptions,
  work: (store: MemcachedStore) => Promise<result>,
): Promise<result> {
  const store = memcachedStore({ ...patient, servers: memcached.address, ...options })
  try {
    return await work(store)
  } finally {
    store.close()
  }
}

/** Bytes that the server writes for it, and the commands of reading. */
async function costOf<result>(work: () => Promise<result>) {
  const before = await memcached.stats()
  const result = await work()
  const after = await memcached.stats()
  const grown = (name: string) => Number(after[name]) - Number(before[name])
  return { result, written: grown('bytes_written'), reads: grown('cmd_get') }
}

const found = async (store: MemcachedStore, known?: Awaited<ReturnType<MemcachedStore['load']>>) =>
  (await store.load(id, undefined, known ?? undefined))!

/** A server counts what it has written a little late. */
const often = 20

async function foundOften(store: MemcachedStore, known: Awaited<ReturnType<typeof found>>) {
  const all = []
  for (let times = 0; times < often; times++) all.push(await found(store, known))
  return all
}

describe.each(['auto', 'meta'] as const)('a large record, protocol %s', (protocol) => {
  it('is not sent again while it has the version that is known', () =>
    using({ protocol }, async (store) => {
      await store.create(id, filled(large, 1), forever)
      const known = await found(store)
      const { result, written, reads } = await costOf(() => foundOften(store, known))
      expect(new Set(result)).toEqual(new Set([known]))
      expect(reads).toBe(often)
      expect(written).toBeLessThan((often / 2) * large)
      expect(await store.save(id, filled(large, 2), forever, known.version)).toBe('saved')
    }))

  it('is sent, by a second command, once it has been changed', () =>
    using({ protocol }, async (store) => {
      await store.create(id, filled(large, 1), forever)
      const known = await found(store)
      await using({ protocol }, (other) => other.save(id, filled(large, 2), forever, known.version))
      const { result, reads } = await costOf(() => found(store, known))
      expect(result.bytes).toEqual(filled(large, 2))
      expect(reads).toBe(2)
      expect(await store.save(id, filled(large, 3), forever, known.version)).toBe('conflict')
      expect(await store.save(id, filled(large, 3), forever, result.version)).toBe('saved')
    }))

  it('is missing once it is deleted, and when it has expired', () =>
    using({ protocol }, async (store) => {
      await store.create(id, filled(large, 1), forever)
      const known = await found(store)
      await using({ protocol }, (other) => other.delete(id))
      expect(await store.load(id, undefined, known)).toBeNull()
      await store.create(id, filled(large, 2), forever)
      expect((await found(store, known)).bytes).toEqual(filled(large, 2))
      await store.load(id, Date.now() - 10_000, known)
      expect(await store.load(id, undefined, known)).toBeNull()
    }))

  it('gets its expiry moved all the same', () =>
    using({ protocol, prefix: 'touched:' }, async (store) => {
      await store.create(id, filled(large, 1), Date.now() + 60_000)
      const known = await found(store)
      expect(await store.load(id, Date.now() + 900_000, known)).toBe(known)
      expect(await memcached.ttl(`touched:${id}`)).toBeGreaterThan(600)
    }))

  it('is sent again by another connection: a server that was started again counts from one', async () => {
    const first = await startMemcached({ trace: false })
    const servers = first.address
    try {
      await using({ protocol, servers }, async (store) => {
        await store.create(id, filled(large, 1), forever)
        const known = await found(store)
        await first.restart()
        await using({ protocol, servers }, (other) => other.create(id, filled(large, 2), forever))
        const now = await found(store, known)
        expect(now.version.cas).toEqual(known.version.cas)
        expect(now.bytes).toEqual(filled(large, 2))
      })
    } finally {
      await first.kill()
    }
  })

  it('is asked for where it is known to be', () =>
    using({ protocol }, async (store) => {
      await store.create(id, filled(large, 1), forever)
      const known = await found(store)
      const elsewhere = { ...known, version: { ...known.version, node: 1 } }
      const { result, written } = await costOf(() => foundOften(store, elsewhere))
      expect(result[0]).toEqual(known)
      expect(written).toBeGreaterThan((often / 2) * large)
    }))
})

it('a small record is sent each time, in one command', () =>
  using({}, async (store) => {
    await store.create(id, filled(large - 1, 1), forever)
    const known = await found(store)
    const { result, written, reads } = await costOf(() => foundOften(store, known))
    expect(result).not.toContain(known)
    expect(written).toBeGreaterThan((often / 2) * large)
    expect(reads).toBe(often)
  }))

it('the binary protocol sends every record', () =>
  using({ protocol: 'binary' }, async (store) => {
    await store.create(id, filled(large, 1), forever)
    const known = await found(store)
    const { result, reads } = await costOf(() => found(store, known))
    expect(result).not.toBe(known)
    expect(result.bytes).toEqual(known.bytes)
    expect(reads).toBe(1)
  }))
