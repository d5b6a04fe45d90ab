import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { StoreError, StoreErrorCode } from '@coatcheck/core/remote'
import { memcachedStore } from './memcached-store.ts'
import type { MemcachedStore } from './memcached-store.ts'
import type { MemcachedStoreOptions } from './store-options.ts'

const id = 'A'.repeat(43)
const key = `coatcheck:${id}`
const bytes = Uint8Array.of(1, 2, 3)
const anyVersion = { cas: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1), node: 0 }
const hour = 3_600_000
const later = () => Date.now() + hour

function fault(code: StoreErrorCode, sent?: boolean) {
  const known = sent === undefined ? { code } : { code, sent }
  return expect.objectContaining({ name: 'StoreError', ...known })
}

let one: MemcachedProcess
let two: MemcachedProcess
let three: MemcachedProcess
const stores: MemcachedStore[] = []

beforeAll(async () => {
  ;[one, two, three] = await Promise.all([startMemcached(), startMemcached(), startMemcached()])
})
afterAll(() => Promise.all([one.kill(), two.kill(), three.kill()]))
afterEach(async () => {
  for (const store of stores.splice(0)) store.close()
  await Promise.all([one.flush(), two.flush(), three.flush()])
})

/** A store with a deadline that a busy machine does not miss. Deadlines are tested elsewhere. */
function storeOn(servers: string | string[], options: MemcachedStoreOptions = {}): MemcachedStore {
  const store = memcachedStore({ servers, deadline: 5000, ...options })
  stores.push(store)
  return store
}

describe('memcachedStore', () => {
  it('keeps records under prefix and id, a second longer than asked for', async () => {
    const store = storeOn(one.address)
    const other = storeOn(one.address, { prefix: 'shop/' })
    await store.create(id, bytes, Date.now() + 100_000)
    await other.create(id, bytes, later())
    expect((await one.keys()).sort()).toEqual([key, `shop/${id}`])
    expect(await one.ttl(key)).toBeGreaterThan(95)
    expect(await one.ttl(key)).toBeLessThanOrEqual(101)
    expect(await one.rawGet(key)).toEqual(Buffer.from(bytes))
  })

  it('lets records live for more than 30 days', async () => {
    const store = storeOn(one.address)
    await store.create(id, bytes, Date.now() + 400 * 24 * hour)
    expect(await one.ttl(key)).toBeGreaterThan(399 * 24 * 3600)
    await store.load(id, Date.now() + 31 * 24 * hour)
    expect(await one.ttl(key)).toBeGreaterThan(30 * 24 * 3600)
    expect(await store.load(id)).not.toBeNull()
  })

  it('goes by the clock that it is given', async () => {
    const store = storeOn(one.address, { now: () => 1_000_000 })
    await store.create(id, bytes, 1_100_000)
    expect(await one.ttl(key)).toBeGreaterThan(95)
    expect(await one.ttl(key)).toBeLessThanOrEqual(101)
    await store.load(id, 1_000_000)
    expect(await store.load(id)).toBeNull()
  })

  it.each([
    ['binary', 0],
    ['meta', 1],
    ['auto', 1],
  ] as const)(
    'is one command a call over %s, and %d more that guards a save',
    async (protocol, guards) => {
      const store = storeOn(one.address, { protocol })
      await store.check()
      const counted = async (call: () => Promise<unknown>) => {
        const before = await one.commands()
        await call()
        const after = await one.commands()
        return [commandCount(before, after), after.guards - before.guards]
      }
      expect(await counted(() => store.create(id, bytes, later()))).toEqual([1, 0])
      expect(await counted(() => store.load(id, later()))).toEqual([1, 0])
      const { version } = (await store.load(id))!
      expect(await counted(() => store.save(id, bytes, later(), version))).toEqual([1, guards])
      expect(await counted(() => store.delete(id, version))).toEqual([1, 0])
      expect(await counted(() => store.delete(id))).toEqual([1, 0])
    },
  )

  it('refuses a record larger than maxBytes, sends nothing, and keeps the old one', async () => {
    const store = storeOn(one.address, { maxBytes: 1000 })
    await store.create(id, new Uint8Array(1000), later())
    const { version } = (await store.load(id))!
    const before = await one.commands()
    const large = new Uint8Array(1001)
    await expect(store.save(id, large, later(), version)).rejects.toEqual(fault('too-large', false))
    await expect(store.create('B', large, later())).rejects.toEqual(fault('too-large', false))
    expect(commandCount(before, await one.commands())).toBe(0)
    expect((await store.load(id))?.bytes).toHaveLength(1000)
  })

  it('keeps the old record when the server takes less than maxBytes', async () => {
    const store = storeOn(one.address, { maxBytes: 1 << 21 })
    await store.create(id, bytes, later())
    const before = (await store.load(id))!
    const saved = store.save(id, new Uint8Array(1 << 20), later(), before.version)
    await expect(saved).rejects.toEqual(fault('too-large', true))
    expect(await store.load(id)).toEqual(before)
  })

  it('stores the largest record of the default', async () => {
    const store = storeOn(one.address)
    const largest = new Uint8Array(1_000_000).fill(7)
    expect(await store.create(id, largest, later())).toBe(true)
    expect(Buffer.compare((await store.load(id))!.bytes, largest)).toBe(0)
  })

  it('refuses an id that memcached would trip over, and sends nothing', async () => {
    const store = storeOn(one.address)
    await store.check()
    const before = await one.commands()
    const wrong = ['', 'a b', 'a\r\nflush_all', 'a\0', 'é', '\ud800', 'a'.repeat(241)]
    for (const bad of wrong) {
      await expect(store.load(bad)).rejects.toEqual(fault('config', false))
      await expect(store.create(bad, bytes, later())).rejects.toEqual(fault('config', false))
      const saved = store.save(bad, bytes, later(), anyVersion)
      await expect(saved).rejects.toEqual(fault('config', false))
      await expect(store.delete(bad)).rejects.toEqual(fault('config', false))
    }
    expect(commandCount(before, await one.commands())).toBe(0)
    expect(await store.create('a'.repeat(240), bytes, later())).toBe(true)
  })

  it('says nothing of id and value in an error', async () => {
    const store = storeOn(one.address, { maxBytes: 3 })
    const long = `secret${'x'.repeat(300)}`
    const large = new TextEncoder().encode('secret')
    const calls = [store.load(long), store.create(id, large, later())]
    for (const result of await Promise.allSettled(calls)) {
      const { reason } = result as PromiseRejectedResult
      expect(reason).toHaveProperty('message')
      expect(`${String(reason)} ${JSON.stringify(reason)}`).not.toContain('secret')
    }
  })
})

describe('memcachedStore and outages', () => {
  it('never brings a record back after memcached was restarted', async () => {
    const memcached = await startMemcached()
    const store = storeOn(memcached.address)
    await store.create(id, bytes, later())
    const { version } = (await store.load(id))!
    await memcached.restart()
    expect(await store.save(id, bytes, later(), version)).toBe('missing')
    expect(await store.delete(id, version)).toBe('missing')
    expect(await memcached.keys()).toEqual([])
    await memcached.kill()
  })

  it('rejects every call while memcached is down or hangs, and goes on afterwards', async () => {
    const memcached = await startMemcached()
    const store = memcachedStore({ servers: memcached.address })
    stores.push(store)
    const calls = () => [
      store.load(id),
      store.load(id, later()),
      store.create(id, bytes, later()),
      store.save(id, bytes, later(), anyVersion),
      store.delete(id),
      store.check(),
    ]
    await store.check()
    await memcached.kill()
    for (const result of await Promise.allSettled(calls())) {
      expect(result).toEqual({ status: 'rejected', reason: fault('unavailable') })
    }
    await memcached.restart()
    await store.check()
    memcached.pause()
    const started = performance.now()
    const results = await Promise.allSettled(calls())
    expect(performance.now() - started).toBeLessThan(5000)
    for (const result of results) {
      expect(result).toEqual({ status: 'rejected', reason: fault('unavailable', true) })
    }
    memcached.resume()
    await store.check()
    await memcached.kill()
  })

  it('rejects with config when memcached runs without cas', async () => {
    const memcached = await startMemcached({ args: ['-C'] })
    const store = storeOn(memcached.address)
    await store.create(id, bytes, later())
    await expect(store.load(id)).rejects.toEqual(fault('config'))
    await expect(store.load(id, later())).rejects.toEqual(fault('config'))
    await memcached.kill()
  })

  it('lets a process end that does not close it, with its answer', async () => {
    const script = `
      const { memcachedStore } = await import('${import.meta.resolve('./memcached-store.ts')}')
      const store = memcachedStore({ servers: '${one.address}', deadline: 5000 })
      await store.create('${id}', new Uint8Array(1), Date.now() + 60_000)
      store.load('${id}').then((found) => process.exitCode = found === null ? 1 : 7)`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
    expect(await once(child, 'exit')).toEqual([7, null])
  })

  it('lets a process end that has found a server away, and asks after it', async () => {
    const script = `
      const { memcachedStore } = await import('${import.meta.resolve('./memcached-store.ts')}')
      const store = memcachedStore({ servers: '127.0.0.1:1' })
      const load = () => store.load('${id}').catch(() => process.exitCode = 7)
      for (let call = 0; call < 5; call++) await load()`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
    expect(await once(child, 'exit')).toEqual([7, null])
  })

  it('rejects everything once it is closed', async () => {
    const store = storeOn(one.address)
    await store.check()
    const before = await one.commands()
    store.close()
    store.close()
    await expect(store.load(id)).rejects.toEqual(fault('unavailable', false))
    await expect(store.check()).rejects.toEqual(fault('unavailable'))
    expect(commandCount(before, await one.commands())).toBe(0)
  })
})

describe('memcachedStore on several servers', () => {
  const ids = Array.from({ length: 60 }, (_, index) => `${index}`.padStart(43, 'x'))

  it('spreads the records over all, and finds them whatever the order of the list', async () => {
    const addresses = [one.address, two.address, three.address]
    const store = storeOn(addresses)
    await Promise.all(ids.map((each) => store.create(each, bytes, later())))
    const keys = await Promise.all([one, two, three].map((memcached) => memcached.keys()))
    const counts = keys.map(({ length }) => length)
    expect(counts.reduce((sum, count) => sum + count)).toBe(60)
    for (const count of counts) expect(count).toBeGreaterThan(5)
    const same = storeOn(addresses.toReversed().join(', '))
    for (const each of ids) expect(await same.load(each)).not.toBeNull()
  })

  it('loses only what was on a server that is down', async () => {
    const extra = await startMemcached()
    const store = storeOn([one.address, extra.address])
    await Promise.all(ids.map((each) => store.create(each, bytes, later())))
    const kept = (await one.keys()).length
    await extra.kill()
    const results = await Promise.allSettled(ids.map((each) => store.load(each)))
    const found = results.filter((result) => result.status === 'fulfilled' && result.value !== null)
    const failed = results.filter((result) => result.status === 'rejected')
    expect(found).toHaveLength(kept)
    expect(failed).toHaveLength(60 - kept)
    for (const { reason } of failed) expect(reason).toEqual(fault('unavailable'))
  })

  it('T8: has no failover: who signs out while a server hangs is told, and can again', async () => {
    expect(() => storeOn(one.address, { failover: true } as object)).toThrow(
      'failover is not an option',
    )
    const extra = await startMemcached()
    const store = storeOn([one.address, extra.address])
    await Promise.all(ids.map((each) => store.create(each, bytes, later())))
    const kept = (await one.keys()).sort()
    const moved = ids.filter((each) => !kept.includes(`coatcheck:${each}`))
    extra.pause()
    const hasty = storeOn([one.address, extra.address], { deadline: 100 })
    for (const result of await Promise.allSettled(moved.map((each) => hasty.delete(each)))) {
      expect(result).toEqual({ status: 'rejected', reason: fault('unavailable') })
    }
    expect((await one.keys()).sort()).toEqual(kept)
    extra.resume()
    await Promise.all(moved.map((each) => store.delete(each)))
    const found = await Promise.all(moved.map((each) => store.load(each)))
    expect(new Set(found)).toEqual(new Set([null]))
    await extra.kill()
  })
})

describe('a StoreError', () => {
  const operations: readonly [string, (store: MemcachedStore) => Promise<unknown>][] = [
    ['load', (store) => store.load(id)],
    ['create', (store) => store.create(id, bytes, later())],
    ['save', (store) => store.save(id, bytes, later(), anyVersion)],
    ['delete', (store) => store.delete(id)],
    ['delete under a version', (store) => store.delete(id, anyVersion)],
  ]

  it.each(operations)(
    'H6: of %s names the server, also while its breaker is open',
    async (_name, run) => {
      const down = await startMemcached()
      await down.kill()
      // The first server holds every id of this test.
      const store = storeOn([down.address])
      for (let times = 0; times < 5; times++) {
        const error = (await run(store).catch((thrown: unknown) => thrown)) as StoreError
        expect(error).toMatchObject({ name: 'StoreError', code: 'unavailable', node: down.address })
        expect(error.message.startsWith(`${down.address}: `)).toBe(true)
        expect(error.message.split(down.address)).toHaveLength(2)
      }
    },
  )

  it('H6: names the one of several servers that was asked', async () => {
    const down = await startMemcached()
    const servers = [one.address, down.address]
    const store = storeOn(servers)
    const ids = Array.from({ length: 20 }, (_, at) => `${at}`.padStart(43, 'A'))
    await down.kill()
    const results = await Promise.allSettled(ids.map((each) => store.load(each)))
    const errors = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as StoreError] : [],
    )
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.length).toBeLessThan(20)
    for (const { node, message } of errors) {
      expect([node, message.includes(one.address)]).toEqual([down.address, false])
    }
  })

  it('H6: that comes of the server’s set-up names it as well', async () => {
    const server = await startMemcached({ args: ['-C'] })
    const store = storeOn(server.address)
    await store.create(id, bytes, later())
    const error = (await store.load(id).catch((thrown: unknown) => thrown)) as StoreError
    expect(error).toMatchObject({ code: 'config', node: server.address })
    await server.kill()
  })

  it('H6: of a record that is too large names none, for none was asked', async () => {
    const error: unknown = await storeOn(one.address, { maxBytes: 2 })
      .create(id, bytes, later())
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'too-large', node: null })
  })
})

describe('check', () => {
  it('is content when every server answers', async () => {
    await expect(storeOn([one.address, two.address]).check()).resolves.toBeUndefined()
    await expect(storeOn(`memcached://localhost:${one.port}`).check()).resolves.toBeUndefined()
  })

  it('names every server that does not answer, and no other', async () => {
    const [down, hung] = await Promise.all([startMemcached(), startMemcached()])
    await down.kill()
    hung.pause()
    const servers = [one.address, down.address, hung.address]
    const checked = storeOn(servers, { deadline: 1000 }).check()
    await expect(checked).rejects.toEqual(fault('unavailable'))
    const message = await checked.catch((error: Error) => error.message)
    expect(message).toMatch(/^No memcached: /)
    expect(message).toContain(`${down.address} (`)
    expect(message).toContain(`${hung.address} (`)
    expect(message).not.toContain(one.address)
    await hung.kill()
  })
})
