import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterEach, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'
import { startMemcachedProxy } from './memcached-proxy.ts'
import type { MemcachedProxy, ProxyOptions } from './memcached-proxy.ts'

const bytes = Uint8Array.of(1, 2, 3)
const later = () => Date.now() + 3_600_000

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

interface Setting {
  readonly backends: readonly MemcachedProcess[]
  readonly proxy: MemcachedProxy
  readonly store: MemcachedStore
  /** Ids of sessions, by the server behind the proxy that has them. */
  readonly ids: readonly (readonly string[])[]
}

/** A store on a proxy with two memcached behind it. */
async function start(
  protocol: 'meta' | 'auto',
  options: Partial<ProxyOptions> = {},
): Promise<Setting> {
  const backends = await Promise.all([
    startMemcached({ trace: false }),
    startMemcached({ trace: false }),
  ])
  const ports = backends.map(({ port }) => port)
  const proxy = await startMemcachedProxy({ ports, readTimeout: 5000, ...options })
  const store = memcachedStore({
    servers: `127.0.0.1:${proxy.port}`,
    protocol,
    prefix: options.prefix ?? 'coatcheck:',
    deadline: 2000,
  })
  ends.push(
    ...backends.map((backend) => () => backend.kill()),
    () => proxy.close(),
    () => store.close(),
  )
  const ids: [string[], string[]] = [[], []]
  for (let at = 0; at < 40; at++) {
    const id = `session-${at}`
    expect(await store.create(id, bytes, later())).toBe(true)
    ids[proxy.backendOf(`${options.prefix ?? 'coatcheck:'}${id}`)]!.push(id)
  }
  return { backends, proxy, store, ids }
}

describe.each(['meta', 'auto'] as const)('G4: behind a proxy of two servers, %s', (protocol) => {
  test('every session is read, changed and ended', async () => {
    const { store, ids, proxy } = await start(protocol)
    await store.check()
    for (const id of ids.flat()) {
      const { version } = (await store.load(id, later()))!
      expect(await store.save(id, bytes, later(), version)).toBe('saved')
      expect(await store.save(id, bytes, later(), version)).toBe('conflict')
      expect(await store.delete(id)).toBe('deleted')
      expect(await store.delete(id)).toBe('missing')
    }
    expect(proxy.accepted()).toBe(1)
  })

  test.each([
    ['killed', (memcached: MemcachedProcess) => memcached.kill()],
    ['frozen', async (memcached: MemcachedProcess) => memcached.pause()],
  ] as const)('one of which is %s, all sessions of the other live on', async (_how, stop) => {
    const { store, ids, backends, proxy } = await start(protocol, { readTimeout: 500 })
    await stop(backends[0]!)
    const heard = { dead: new Set<unknown>(), live: new Set<unknown>() }
    for (let round = 0; round < 2; round++) {
      for (const id of ids[0]!.slice(0, 3)) {
        heard.dead.add(await store.load(id, later()).then(String, ({ code }) => code))
      }
      for (const id of ids[1]!) {
        heard.live.add(await store.load(id, later()).then((hit) => hit?.bytes.length, String))
      }
    }
    expect(heard).toEqual({ dead: new Set(['unavailable']), live: new Set([3]) })
    expect(proxy.accepted()).toBe(1)
    backends[0]!.resume()
  })

  test('that knows only our prefix, the breaker closes again, and changes are guarded', async () => {
    const { store, ids, proxy } = await start(protocol, { prefix: 'app/' })
    await store.check()
    const id = ids[0]![0]!
    const { version } = (await store.load(id, later()))!
    expect(await store.save(id, bytes, later(), version)).toBe('saved')
    proxy.freeze()
    for (let call = 0; call < 4; call++) await store.load(id).catch(() => {})
    await expect(store.load(id)).rejects.toThrow('did not answer before')
    proxy.thaw()
    await expect.poll(() => store.load(id).catch(() => null)).not.toBeNull()
  })
})
