import { createSessions, sum } from '@coatcheck/core'
import type { Sessions } from '@coatcheck/core'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'

interface Data {
  visits?: number
}

const secrets = ['a secret of thirty-two characters']
const bytes = Uint8Array.of(1, 2, 3)
const ids = Array.from({ length: 400 }, (_, at) => `session-${at}`)
const minute = 60_000
const rest = 10 * minute

let nodes: MemcachedProcess[]
const stores: MemcachedStore[] = []
/** Milliseconds that the clock of the stores and sessions is ahead. */
let ahead = 0
const now = () => Date.now() + ahead
const later = () => now() + 3_600_000

beforeAll(async () => {
  nodes = await Promise.all(Array.from({ length: 5 }, () => startMemcached({ trace: false })))
})
afterEach(async () => {
  ahead = 0
  for (const store of stores.splice(0)) store.close()
  for (const node of nodes) await node.flush()
})
afterAll(() => Promise.all(nodes.map((node) => node.kill())))

const listOf = (count: number) => nodes.slice(0, count).map(({ address }) => address)

/** A process of the app, with the first `count` servers. */
function storeOn(count: number, options: MemcachedStoreOptions = {}): MemcachedStore {
  const store = memcachedStore({ servers: listOf(count), deadline: 5000, now, ...options })
  stores.push(store)
  return store
}

async function kept(store: MemcachedStore): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => store.load(id)))
  return ids.filter((_, at) => found[at] !== null)
}

async function saveAll(store: MemcachedStore, content: Uint8Array): Promise<void> {
  for (const id of ids) {
    const { version } = (await store.load(id))!
    expect(await store.save(id, content, later(), version)).toBe('saved')
  }
}

describe.each(['binary', 'meta'] as const)('records, by %s', (protocol) => {
  test('stay where they were while a deployment may last, and are saved there', async () => {
    const [former, next] = [storeOn(3, { protocol }), storeOn(4, { protocol, asksSecond: true })]
    await Promise.all(ids.map((id) => former.create(id, bytes, later())))
    ahead = rest - minute
    await saveAll(next, Uint8Array.of(9))
    expect(await kept(former)).toEqual(ids)
  })

  test('move to their server when they are saved after it, and the former has nothing', async () => {
    const [former, next] = [storeOn(3, { protocol }), storeOn(4, { protocol, asksSecond: true })]
    await Promise.all(ids.map((id) => former.create(id, bytes, later())))
    ahead = rest
    await saveAll(next, Uint8Array.of(7))
    expect(await kept(storeOn(4, { protocol }))).toEqual(ids)
    const moved = ids.length - (await kept(former)).length
    expect(Math.abs(moved / ids.length - 1 / 4)).toBeLessThan(0.08)
    await saveAll(next, Uint8Array.of(8))
    const loaded = await Promise.all(ids.map((id) => next.load(id)))
    expect(loaded.every((found) => found!.bytes.length === 1 && found!.bytes[0] === 8)).toBe(true)
    for (const [at, id] of ids.entries()) {
      const { version } = (await next.load(id))!
      expect(await next.delete(id, at % 2 === 0 ? version : undefined)).toBe('deleted')
    }
    expect(await kept(next)).toEqual([])
    expect(await kept(former)).toEqual([])
  })

  test('keep every save, also of processes that do not move them yet', async () => {
    const former = storeOn(3, { protocol })
    for (const id of ids) await former.create(id, Uint8Array.of(), later())
    const options = { protocol, asksSecond: true }
    const movers = [storeOn(4, options), storeOn(4, options)]
    ahead = rest
    const processes = [...movers, storeOn(4, options), storeOn(4, options)]
    const add = async (store: MemcachedStore, id: string, value: number): Promise<void> => {
      for (let turn = 0; turn < 1000; turn++) {
        const { bytes: old, version } = (await store.load(id))!
        const content = Uint8Array.of(...old, value)
        if ((await store.save(id, content, later(), version)) === 'saved') return
      }
      throw new Error('1000 conflicts')
    }
    const adds = ids.map((id) =>
      processes.map(async (store, at) => {
        for (let each = 0; each < 3; each++) await add(store, id, at * 3 + each)
      }),
    )
    await Promise.all(adds.flat())
    for (const id of ids) {
      const { bytes: all } = (await processes[3]!.load(id))!
      expect([...all].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, at) => at))
    }
  })
})

describe('accounts that are in use while a server is added', () => {
  const accounts = Array.from({ length: 24 }, (_, at) => `account-${at}`)
  const hour = 60 * minute

  const appOn = (store: MemcachedStore): Sessions<Data> =>
    createSessions<Data>({ store, secrets, testing: { now }, merge: { visits: sum } })

  async function signIn(app: Sessions<Data>, account: string): Promise<string> {
    const { session, commit } = await app.open(null)
    session.signIn(account)
    const { cookie } = await commit()
    return `${cookie!.name}=${cookie!.value}`
  }

  async function isSignedIn(app: Sessions<Data>, cookie: string): Promise<boolean> {
    const { session, commit } = await app.open(cookie)
    const isKnown = session.subject !== null
    if (isKnown) session.data.visits = 1
    await commit()
    return isKnown
  }

  test('stay signed in also if each was last seen by a process that had just started', async () => {
    const former = appOn(storeOn(1))
    await Promise.all(accounts.map((account) => signIn(former, account)))
    const asksSecond = now()
    ahead = 23 * hour
    const cookies: string[] = []
    for (const account of accounts) {
      cookies.push(await signIn(appOn(storeOn(2, { asksSecond })), account))
    }
    ahead = 24 * hour + minute
    const after = appOn(storeOn(2))
    for (const cookie of cookies) expect(await isSignedIn(after, cookie)).toBe(true)
    for (const account of accounts) expect(await after.revoke(account)).toBe('revoked')
    const next = appOn(storeOn(3, { asksSecond: now() }))
    for (const cookie of cookies) expect(await isSignedIn(next, cookie)).toBe(false)
  })

  /** One server, then two; each account signs in each hour, and its last cookie is used in between. */
  async function growAndUse(): Promise<string[]> {
    const former = appOn(storeOn(1))
    let cookies = await Promise.all(accounts.map((account) => signIn(former, account)))
    const next = appOn(storeOn(2, { asksSecond: true }))
    for (let each = 0; each < 26; each++) {
      ahead += hour / 2
      const known = await Promise.all(cookies.map((cookie) => isSignedIn(next, cookie)))
      expect(known).not.toContain(false)
      ahead += hour / 2
      cookies = await Promise.all(accounts.map((account) => signIn(next, account)))
    }
    return cookies
  }

  test('stay signed in when the second is not asked any more', async () => {
    const cookies = await growAndUse()
    const after = appOn(storeOn(2))
    const known = await Promise.all(cookies.map((cookie) => isSignedIn(after, cookie)))
    expect(known).not.toContain(false)
  })

  test('are not signed in again by the next server after a sign-out everywhere', async () => {
    const cookies = await growAndUse()
    const after = appOn(storeOn(2))
    for (const account of accounts) expect(await after.revoke(account)).toBe('revoked')
    const next = appOn(storeOn(3, { asksSecond: true }))
    const known = await Promise.all(cookies.map((cookie) => isSignedIn(next, cookie)))
    expect(known).not.toContain(true)
  })
})
