import type { MemcachedProcess } from '@coatcheck/testkit/memcached'
import { startMemcached } from '@coatcheck/testkit/memcached'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Peer } from './peers.ts'
import { cookiePeer, memcachePeer, memoryPeer, ours } from './peers.ts'

/** The numbers of the table in README.md. */
interface Measured {
  /** Of 20 parallel writes, each of its own key. */
  readonly kept: number
  /** Whether a session is there again when a slow request ends after the logout. */
  readonly revived: boolean
  /** Whether who kept a copy of the cookie is signed in after the logout. */
  readonly replayed: boolean
}

async function signIn(peer: Peer): Promise<string> {
  const request = await peer.open('')
  request.set('user', 'ada')
  return request.commit()
}

async function countKept(peer: Peer): Promise<number> {
  const cookie = await signIn(peer)
  const requests = await Promise.all(Array.from({ length: 20 }, () => peer.open(cookie)))
  const cookies = await Promise.all(
    requests.map((request, index) => {
      request.set(`key${index}`, index)
      return request.commit()
    }),
  )
  const after = await peer.open(cookies.at(-1) ?? '')
  return requests.filter((_, index) => after.get(`key${index}`) === index).length
}

async function isRevived(peer: Peer): Promise<boolean> {
  const cookie = await signIn(peer)
  const slow = await peer.open(cookie)
  await (await peer.open(cookie)).destroy()
  slow.set('late', true)
  const sent = await slow.commit()
  return (await peer.open(sent)).get('user') === 'ada'
}

async function isReplayed(peer: Peer): Promise<boolean> {
  const cookie = await signIn(peer)
  await (await peer.open(cookie)).destroy()
  return (await peer.open(cookie)).get('user') === 'ada'
}

async function measure(peer: Peer): Promise<Measured> {
  return {
    kept: await countKept(peer),
    revived: await isRevived(peer),
    replayed: await isReplayed(peer),
  }
}

describe('side by side', () => {
  let memcached: MemcachedProcess
  beforeAll(async () => void (memcached = await startMemcached()))
  afterAll(() => memcached?.kill())

  it('createCookieSessionStorage keeps 1 of 20 writes, and no logout ends a session', async () => {
    expect(await measure(cookiePeer())).toEqual({ kept: 1, revived: true, replayed: true })
  })

  it('createMemorySessionStorage keeps 1 of 20, and a slow request undoes a logout', async () => {
    expect(await measure(memoryPeer())).toEqual({ kept: 1, revived: true, replayed: false })
  })

  it('session-storage-memcache keeps 1 of 20, and a slow request undoes a logout', async () => {
    const peer = memcachePeer(memcached.address)
    expect(await measure(peer)).toEqual({ kept: 1, revived: true, replayed: false })
  })

  it('sessionStorage keeps 20 of 20, and no session comes back', async () => {
    const peer = ours(memcached.address)
    expect(await measure(peer)).toEqual({ kept: 20, revived: false, replayed: false })
  })

  /** Five requests that read and write, one after the other. */
  async function readAndWrite(peer: Peer): Promise<{ commands: number; connections: number }> {
    const cookie = await signIn(peer)
    const before = await memcached.commands()
    const { total_connections: opened } = await memcached.stats()
    for (let n = 0; n < 5; n++) {
      const request = await peer.open(cookie)
      request.set('n', n)
      await request.commit()
    }
    const { total_connections: openedAfter } = await memcached.stats()
    const after = await memcached.commands()
    const counted = ['get', 'touch', 'set'] as const
    const commands = counted.map((name) => after[name] - before[name]).reduce((a, b) => a + b)
    // The second look opens one of its own.
    return { commands, connections: Number(openedAfter) - Number(opened) - 1 }
  }

  it('session-storage-memcache opens a connection for each command: 10 for 5 requests', async () => {
    const used = await readAndWrite(memcachePeer(memcached.address))
    expect(used).toEqual({ commands: 10, connections: 10 })
  })

  it('sessionStorage makes as many trips on the connection that it has', async () => {
    expect(await readAndWrite(ours(memcached.address))).toEqual({ commands: 10, connections: 0 })
  })

  it('session-storage-memcache loses a session of 60 days at once; ours is kept', async () => {
    const { createMemcacheSessionStorage } = await import('remix/session-storage-memcache')
    const days60 = 60 * 24 * 3600
    const theirs = createMemcacheSessionStorage(memcached.address, { ttlSeconds: days60 })
    const session = await theirs.read(null)
    session.set('user', 'ada')
    const id = await theirs.save(session)
    expect((await theirs.read(id)).get('user')).toBeUndefined()

    const { createSessions } = await import('@coatcheck/core')
    const { memcachedStore } = await import('@coatcheck/memcached')
    const { sessionStorage } = await import('@coatcheck/remix')
    const sessions = createSessions<{ user: string }>({
      store: memcachedStore({ servers: memcached.address }),
      secrets: 'none',
      cookie: { plainHttp: true },
      lifetime: { idle: days60, absolute: days60 },
    })
    const { getSession, commitSession } = sessionStorage<{ user: string }>(sessions)
    const kept = await getSession()
    kept.set('user', 'ada')
    const cookie = (await commitSession(kept)).split(';')[0] ?? ''
    expect((await getSession(cookie)).get('user')).toBe('ada')
  })

  it('an outage fails a request of theirs, and is a state of ours', async () => {
    const away = '127.0.0.1:1'
    const theirs = memcachePeer(away)
    const cookie = await signIn(ours(memcached.address))
    const { createCookie } = await import('remix/cookie')
    const signed = createCookie('__session', { secrets: ['secret'] })
    const sent = (await signed.serialize('an-id')).split(';')[0] ?? ''
    await expect(theirs.open(sent)).rejects.toThrow('ECONNREFUSED')
    const request = await ours(away).open(cookie)
    request.set('user', 'ada')
    expect(await request.commit()).toBe(cookie)
  })
})
