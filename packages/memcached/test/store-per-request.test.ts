import { createSessions } from '@coatcheck/core'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { memcachedStore } from '../src/index.ts'

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached.stop())

const inAnHour = Date.now() + 3_600_000
const bytes = Uint8Array.of(1, 2, 3)

/** Connections that memcached has taken since its start, and those that are open; without the one that asks. */
async function connections(): Promise<{ taken: number; open: number }> {
  const stats = await memcached.stats()
  return { taken: Number(stats['total_connections']), open: Number(stats['curr_connections']) }
}

function start(protocol: 'binary' | 'meta' | 'auto' = 'binary') {
  const store = memcachedStore({
    servers: memcached.address,
    connections: 'per-request',
    protocol,
    deadline: 20_000,
  })
  const sessions = createSessions<{ n: number; [key: string]: number }>({ store, secrets: 'none' })
  const visit = (cookie: string, change: (data: { [key: string]: number }) => void) =>
    sessions.handle(new Request('https://app.example/', { headers: { cookie } }), (session) => {
      change(session.data as { [key: string]: number })
      return new Response(session.state)
    })
  const begin = async (): Promise<string> => {
    const response = await visit('', (data) => void (data['n'] = 0))
    return response.headers.getSetCookie()[0]!.split(';')[0]!
  }
  return { store, sessions, visit, begin }
}

describe('a store whose connections belong to requests', () => {
  it('opens one for a request that loads and saves, and closes it', async () => {
    const { visit, begin } = start()
    const cookie = await begin()
    const before = await connections()
    // The statistics are asked for on connections of their own.
    const asks = (await connections()).taken - before.taken
    await visit(cookie, (data) => void (data['n'] = 1))
    const after = await connections()
    expect(after.taken - before.taken - 2 * asks).toBe(1)
    await expect.poll(async () => (await connections()).open).toBe(before.open)
  })

  it.each(['binary', 'meta', 'auto'] as const)(
    'saves all of 50 requests at once (%s)',
    async (protocol) => {
      const { visit, begin } = start(protocol)
      const cookie = await begin()
      const keys = Array.from({ length: 50 }, (_, at) => `key${at}`)
      await Promise.all(keys.map((key) => visit(cookie, (data) => void (data[key] = 1))))
      let found: readonly string[] = []
      await visit(cookie, (data) => void (found = Object.keys(data)))
      expect(found.toSorted()).toEqual([...keys, 'n'].toSorted())
    },
  )

  it('gives each command of its own a connection, and checks the server', async () => {
    const { store } = start()
    await store.check()
    expect(await store.create('a', bytes, inAnHour)).toBe(true)
    const found = await store.load('a')
    expect(await store.save('a', bytes, inAnHour, found!.version)).toBe('saved')
    expect(await store.delete('a', found!.version)).toBe('conflict')
    expect(await store.delete('a')).toBe('deleted')
  })

  it('a scope connects again after its release, and not after the store was closed', async () => {
    const { store } = start()
    const scope = store.scope!()
    expect(await scope.create('b', bytes, inAnHour)).toBe(true)
    scope.release()
    expect((await scope.load('b'))!.bytes).toEqual(Buffer.from(bytes))
    scope.release()
    store.close()
    await expect(scope.load('b')).rejects.toMatchObject({ code: 'unavailable', sent: false })
    await expect(store.load('b')).rejects.toMatchObject({ code: 'unavailable', sent: false })
  })

  it('serves requests after a server has left for more than a minute', async () => {
    const away = await startMemcached()
    const store = memcachedStore({
      servers: [memcached.address, away.address],
      connections: 'per-request',
      deadline: 20_000,
    })
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    store.reconfigure(memcached.address)
    vi.advanceTimersByTime(60_000)
    vi.useRealTimers()
    await away.kill()
    const scope = store.scope!()
    expect(await scope.create('c', bytes, inAnHour)).toBe(true)
    expect(await scope.load('c')).not.toBeNull()
    scope.release()
  })

  it('shares what it knows of a server that is down', async () => {
    const store = memcachedStore({ servers: '127.0.0.1:1', connections: 'per-request' })
    for (let request = 0; request < 3; request++) {
      await expect(store.scope!().load('a')).rejects.toThrow('ECONNREFUSED')
    }
    await expect(store.scope!().load('a')).rejects.toThrow('asked again 1000 ms later')
  })

  it('is not what a store is by default', () => {
    expect(memcachedStore({ servers: memcached.address }).scope).toBeUndefined()
    expect(() => memcachedStore({ connections: 'none' as 'shared' })).toThrow('connections')
  })
})
