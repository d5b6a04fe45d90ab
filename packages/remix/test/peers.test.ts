import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Page, Peer } from './peers.ts'
import {
  cookiePeer,
  memcachePage,
  memcachePeer,
  memcacheStorage,
  memoryPeer,
  ours,
  ourPage,
  ourStorage,
} from './peers.ts'

interface Measured {
  /** The number of changes kept, of 20 parallel writes to one key each. */
  readonly kept: number
  /** Whether a slow request that ends after the logout revives the session. */
  readonly revived: boolean
  /** Whether a copy of the cookie is signed in after the logout. */
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

/** The load on memcached. */
interface Used {
  readonly commands: number
  readonly connections: number
}

const measured = {
  cookie: { kept: 1, revived: true, replayed: true },
  memory: { kept: 1, revived: true, replayed: false },
  memcache: { kept: 1, revived: true, replayed: false },
  ours: { kept: 20, revived: false, replayed: false },
} satisfies Record<string, Measured>

const used = {
  memcache: { commands: 10, connections: 10 },
  // memcached's text protocol takes two commands for a change, in one packet.
  ours: { commands: 15, connections: 0 },
  binary: { commands: 10, connections: 0 },
} satisfies Record<string, Used>

const trips = { memcache: { three: 1, none: 1 }, ours: { three: 1, none: 0 }, storage: 3 }

const yes = (is: boolean): string => (is ? 'yes' : 'no')

/** The table of GUIDE.md, made of the figures that the tests here check. */
const table = [
  ['20 parallel writes, each of its own key: kept', ...columns(({ kept }) => `${kept}`)],
  [
    'a slow request ends after the logout: signed in again',
    ...columns(({ revived }) => yes(revived)),
  ],
  ['a copy of the cookie after the logout: signed in', ...columns(({ replayed }) => yes(replayed))],
  [
    'connections opened by 5 requests that read and write',
    ...stored(used.memcache.connections, used.ours.connections),
  ],
  [
    'commands for them',
    ...stored(
      used.memcache.commands,
      `${used.ours.commands} (\`protocol: 'binary'\`: ${used.binary.commands})`,
    ),
  ],
  [
    'commands for a page that reads the session in three places',
    ...stored(trips.memcache.three, `${trips.ours.three} (\`sessionStorage\`: ${trips.storage})`),
  ],
  ['commands for a page that never reads it', ...stored(trips.memcache.none, trips.ours.none)],
  ['a lifetime of 60 days', ...stored('gone at once', 'kept')],
  [
    'memcached is down, and the request has a cookie',
    ...stored('the request fails', '`unavailable`, and still signed in later'),
  ],
]

function columns(show: (of: Measured) => string): readonly string[] {
  const { cookie, memory, memcache, ours: own } = measured
  return [cookie, memory, memcache, own].map(show)
}

function stored(theirs: string | number, own: string | number): readonly string[] {
  return ['–', '–', `${theirs}`, `${own}`]
}

describe('side by side', () => {
  let memcached: MemcachedProcess
  beforeAll(async () => void (memcached = await startMemcached()))
  afterAll(() => memcached?.kill())

  it('createCookieSessionStorage keeps 1 of 20 writes, and a logout does not end a session', async () => {
    expect(await measure(cookiePeer())).toEqual(measured.cookie)
  })

  it('createMemorySessionStorage keeps 1 of 20, and a slow request undoes a logout', async () => {
    expect(await measure(memoryPeer())).toEqual(measured.memory)
  })

  it('session-storage-memcache keeps 1 of 20, and a slow request undoes a logout', async () => {
    expect(await measure(memcachePeer(memcached.address))).toEqual(measured.memcache)
  })

  it('sessionStorage keeps 20 of 20, and no slow request undoes a logout', async () => {
    expect(await measure(ours(memcached.address))).toEqual(measured.ours)
  })

  /** Five requests that read and write, one after the other. */
  async function readAndWrite(peer: Peer): Promise<Used> {
    const cookie = await signIn(peer)
    const { total_connections: opened } = await memcached.stats()
    const commands = await count(async () => {
      for (let n = 0; n < 5; n++) {
        const request = await peer.open(cookie)
        request.set('n', n)
        await request.commit()
      }
    })
    const { total_connections: openedAfter } = await memcached.stats()
    // Each call of stats() or commands() opens a connection: three since the first.
    return { commands, connections: Number(openedAfter) - Number(opened) - 3 }
  }

  async function count(run: () => Promise<unknown>): Promise<number> {
    const before = await memcached.commands()
    await run()
    const after = await memcached.commands()
    // From memcached's statistics, because the peer uses the text protocol.
    const counted = ['get', 'touch', 'set'] as const
    return counted.map((name) => after[name] - before[name]).reduce((sum, n) => sum + n)
  }

  it('session-storage-memcache opens a connection for each command: 10 for 5 requests', async () => {
    expect(await readAndWrite(memcachePeer(memcached.address))).toEqual(used.memcache)
  })

  it('sessionStorage sends half as many again, over one open connection', async () => {
    expect(await readAndWrite(ours(memcached.address))).toEqual(used.ours)
  })

  it('sessionStorage sends as many with the binary protocol', async () => {
    expect(await readAndWrite(ours(memcached.address, 'binary'))).toEqual(used.binary)
  })

  async function countPage({ get, signedIn }: Page): Promise<{ three: number; none: number }> {
    const cookie = await signedIn()
    const three = await count(async () => expect(await get('/three', cookie)).toBe('ada ada ada'))
    return { three, none: await count(() => get('/none', cookie)) }
  }

  it('session-storage-memcache reads once for a page with three reads, and for one with none', async () => {
    expect(await countPage(memcachePage(memcached.address))).toEqual(trips.memcache)
  })

  it('sessionMiddleware reads once for a page with three reads, and never for one with none', async () => {
    expect(await countPage(ourPage(memcached.address))).toEqual(trips.ours)
  })

  it('sessionStorage reads at each getSession', async () => {
    const peer = ours(memcached.address)
    const cookie = await signIn(peer)
    const three = (): Promise<unknown> => Promise.all([1, 2, 3].map(() => peer.open(cookie)))
    expect(await count(three)).toBe(trips.storage)
  })

  it('session-storage-memcache loses a session of 60 days at once, sessionStorage keeps it', async () => {
    const days60 = 60 * 24 * 3600
    const theirs = memcacheStorage(memcached.address, { ttlSeconds: days60 })
    const session = await theirs.read(null)
    session.set('user', 'ada')
    const id = await theirs.save(session)
    expect((await theirs.read(id)).get('user')).toBeUndefined()

    const lifetime = { idle: days60, absolute: days60 }
    const { getSession: open, commitSession } = ourStorage(memcached.address, lifetime)
    const kept = await open()
    kept.set('user', 'ada')
    const cookie = (await commitSession(kept)).split(';')[0] ?? ''
    expect((await open(cookie)).get('user')).toBe('ada')
  })

  it('in an outage session-storage-memcache fails the request, and sessionStorage is unavailable', async () => {
    const away = '127.0.0.1:1'
    const theirs = await signIn(memcachePeer(memcached.address))
    await expect(memcachePeer(away).open(theirs)).rejects.toThrow('ECONNREFUSED')
    const cookie = await signIn(ours(memcached.address))
    const { getSession: open, commitSession } = ourStorage(away)
    const session = await open(cookie)
    expect(session.state).toBe('unavailable')
    session.set('count', 1)
    expect(await commitSession(session)).toBe('')
  })

  it('the table in GUIDE.md has these figures', () => {
    const readme = readFileSync(new URL('../GUIDE.md', import.meta.url), 'utf8')
    for (const row of table) expect(readme).toContain(`| ${row.join(' | ')} |`)
  })
})
