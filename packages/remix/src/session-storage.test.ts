import type { SessionsOptions } from '@coatcheck/core'
import { createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import * as remix from '@remix-run/node'
import * as reactRouter from 'react-router'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getSession as sessionOf, sessionMiddleware } from './index.ts'
import { sessionStorage } from './session-storage.ts'

interface Data {
  user: string
  count: number
  cart: Record<string, number>
  notice: string
}

interface Flash {
  error: string
  notice: string
}

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached?.kill())

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const sessions = createSessions<Data>({
    store: memoryStore(),
    cookie: { plainHttp: true },
    merge: { count: sum },
    ...options,
  })
  return { sessions, ...sessionStorage<Data, Flash>(sessions, { authKeys: [] }) }
}

function setUpStored() {
  return setUp({ store: memcachedStore({ servers: memcached.address }), secrets: 'none' })
}

function cookieOf(setCookie: string): string {
  return setCookie.split(/;\s*/)[0] ?? ''
}

/** The tests that React Router and Remix have for sessions and for storages that keep data on the server. */
function describePublished(
  name: string,
  createStorage: () => reactRouter.SessionStorage<Data, Flash>,
): void {
  describe(`${name}: as published`, () => {
    it('has an empty id by default', async () => {
      const { getSession } = createStorage()
      expect((await getSession()).id).toBe('')
      expect((await getSession(null)).id).toBe('')
      expect((await getSession('')).id).toBe('')
    })

    it('correctly stores and retrieves values', async () => {
      const session = await createStorage().getSession()
      session.set('user', 'mjackson')
      session.flash('error', 'boom')
      expect(session.has('user')).toBe(true)
      expect(session.get('user')).toBe('mjackson')
      // Normal values remain in the session after get().
      expect(session.has('user')).toBe(true)
      expect(session.get('user')).toBe('mjackson')
      expect(session.has('error')).toBe(true)
      expect(session.get('error')).toBe('boom')
      // Flash values disappear after the first get().
      expect(session.has('error')).toBe(false)
      expect(session.get('error')).toBeUndefined()
      session.unset('user')
      expect(session.has('user')).toBe(false)
      expect(session.get('user')).toBeUndefined()
    })

    it('returns what isSession accepts as a session', async () => {
      const session = await createStorage().getSession()
      expect(reactRouter.isSession(session)).toBe(true)
      expect(remix.isSession(session)).toBe(true)
    })

    it('persists session data across requests', async () => {
      const { getSession, commitSession } = createStorage()
      const session = await getSession()
      session.set('user', 'mjackson')
      const next = await getSession(cookieOf(await commitSession(session)))
      expect(next.get('user')).toBe('mjackson')
      expect(next.id).not.toBe('')
      expect(next.data).toEqual({ user: 'mjackson' })
    })

    it('returns an empty session for a cookie that was tampered with', async () => {
      const { getSession, commitSession } = createStorage()
      const session = await getSession()
      session.set('user', 'mjackson')
      const cookie = cookieOf(await commitSession(session))
      expect((await getSession(cookie.slice(0, -1))).get('user')).toBeUndefined()
    })

    it('keeps a flashed value until a request reads it and commits', async () => {
      const { getSession, commitSession } = createStorage()
      const first = await getSession()
      first.flash('error', 'boom')
      const cookie = cookieOf(await commitSession(first))
      const ignored = await getSession(cookie)
      expect(ignored.has('error')).toBe(true)
      await commitSession(ignored)
      const uncommitted = await getSession(cookie)
      expect(uncommitted.get('error')).toBe('boom')
      const reader = await getSession(cookie)
      expect(reader.get('error')).toBe('boom')
      await commitSession(reader)
      expect((await getSession(cookie)).has('error')).toBe(false)
    })

    it('keeps flashed values in data under __flash_name__', async () => {
      const session = await createStorage().getSession()
      session.flash('error', 'boom')
      expect(session.data).toEqual({ __flash_error__: 'boom' })
    })

    it('prefers a value that was set over a flashed one of the same name', async () => {
      const session = await createStorage().getSession()
      session.flash('notice', 'flashed')
      session.set('notice', 'set')
      expect(session.get('notice')).toBe('set')
      expect(session.get('notice')).toBe('set')
      session.unset('notice')
      expect(session.get('notice')).toBe('flashed')
      expect(session.get('notice')).toBeUndefined()
    })

    it('returns a copy of the data', async () => {
      const session = await createStorage().getSession()
      session.set('user', 'ada')
      Object.assign(session.data, { user: 'eve' })
      expect(session.get('user')).toBe('ada')
    })

    it('sets the cookie’s path to / by default', async () => {
      const { getSession, commitSession } = createStorage()
      const session = await getSession()
      session.set('user', 'mjackson')
      expect(await commitSession(session)).toContain('Path=/')
    })

    it('ends the session and deletes its cookie', async () => {
      const { getSession, commitSession, destroySession } = createStorage()
      const session = await getSession()
      session.set('user', 'mjackson')
      const cookie = cookieOf(await commitSession(session))
      const deletion = await destroySession(await getSession(cookie))
      expect(cookieOf(deletion)).toBe(cookie.replace(/=.*/, '='))
      expect(deletion).toMatch(/Max-Age=0|Expires=Thu, 01 Jan 1970 00:00:00 GMT/)
      expect((await getSession(cookie)).get('user')).toBeUndefined()
    })

    it('destroys an empty session without an error', async () => {
      const { getSession, destroySession } = createStorage()
      await expect(destroySession(await getSession())).resolves.toBeTypeOf('string')
    })
  })
}

const cookie = { secrets: ['secret1'] }
describePublished('createMemorySessionStorage of React Router', () =>
  reactRouter.createMemorySessionStorage<Data, Flash>({ cookie }),
)
// The two types differ in the options of cookies, which these tests do not use.
describePublished('createMemorySessionStorage of Remix 2', () => {
  const storage: unknown = remix.createMemorySessionStorage<Data, Flash>({ cookie })
  return storage as reactRouter.SessionStorage<Data, Flash>
})
describePublished('sessionStorage on memory', () => setUp())
describePublished('sessionStorage on memcached', () => setUpStored())

function describeStorage(name: string, create: typeof setUpStored): void {
  describe(`${name}: more than published`, () => {
    async function signedIn() {
      const storage = create()
      const session = await storage.getSession()
      session.set('user', 'ada')
      session.set('count', 1)
      return { ...storage, cookie: cookieOf(await storage.commitSession(session)) }
    }

    it('merges what two requests commit at once', async () => {
      const { getSession, commitSession, cookie } = await signedIn()
      const [one, other] = await Promise.all([getSession(cookie), getSession(cookie)])
      one.set('cart', { hat: 1 })
      one.set('count', one.get('count')! + 1)
      other.set('user', 'grace')
      other.set('count', other.get('count')! + 1)
      await Promise.all([commitSession(one), commitSession(other)])
      const { data } = await getSession(cookie)
      expect(data).toEqual({ user: 'grace', count: 3, cart: { hat: 1 } })
    })

    it('never revives a destroyed session', async () => {
      const { getSession, commitSession, destroySession, cookie } = await signedIn()
      const slow = await getSession(cookie)
      await destroySession(await getSession(cookie))
      slow.set('cart', { hat: 1 })
      expect(await commitSession(slow)).toBe('')
      expect((await getSession(cookie)).data).toEqual({})
    })

    it('sets no cookie if the visitor has the right one', async () => {
      const { getSession, commitSession, cookie } = await signedIn()
      const session = await getSession(cookie)
      expect(await commitSession(session)).toBe('')
      const changed = await getSession(cookie)
      changed.set('user', 'grace')
      expect(await commitSession(changed)).toBe('')
    })

    it('commits what was changed in place', async () => {
      const { getSession, commitSession, cookie } = await signedIn()
      const first = await getSession(cookie)
      first.set('cart', { hat: 1 })
      await commitSession(first)
      const second = await getSession(cookie)
      const cart = second.get('cart')
      if (cart) cart['hat'] = 2
      await commitSession(second)
      expect((await getSession(cookie)).get('cart')).toEqual({ hat: 2 })
    })

    it('renew() and signIn() give a new token, and the old one is dead', async () => {
      const { sessions, getSession, commitSession, cookie } = await signedIn()
      const session = await getSession(cookie)
      session.renew()
      const renewed = cookieOf(await commitSession(session))
      expect(renewed).not.toBe(cookie)
      expect((await getSession(renewed)).get('user')).toBe('ada')
      expect((await getSession(cookie)).data).toEqual({})
      const visitor = await getSession(renewed)
      visitor.signIn('ada', { label: 'a browser' })
      const signedInAs = cookieOf(await commitSession(visitor))
      expect((await getSession(signedInAs)).get('user')).toBe('ada')
      expect((await getSession(renewed)).data).toEqual({})
      expect(await sessions.list('ada')).toMatchObject([{ label: 'a browser' }])
    })

    it('never adopts a token that a client invented', async () => {
      const { getSession, commitSession } = create()
      const invented = `sid=${'A'.repeat(43)}`
      const session = await getSession(invented)
      expect(session.id).toBe('')
      session.set('user', 'eve')
      expect(cookieOf(await commitSession(session))).not.toBe(invented)
    })

    it('throws on a change after the commit', async () => {
      const { getSession, commitSession, cookie } = await signedIn()
      const session = await getSession(cookie)
      await commitSession(session)
      const acts = [
        () => session.set('user', 'late'),
        () => session.set('cart', { late: 1 }),
        () => session.flash('error', 'late'),
        () => session.unset('user'),
      ]
      for (const act of acts) expect(act).toThrow('after the session was saved has no effect')
    })

    it('ends a session after its commit, and again', async () => {
      const { getSession, commitSession, destroySession, cookie } = await signedIn()
      const session = await getSession(cookie)
      session.renew()
      const renewed = cookieOf(await commitSession(session))
      expect(await destroySession(session)).toMatch(/^sid=;.*Max-Age=0/)
      expect((await getSession(renewed)).data).toEqual({})
      expect(await destroySession(session)).toBe('')
    })

    it('has the id of the record, which the cookie does not contain', async () => {
      const { getSession, cookie } = await signedIn()
      const { id } = await getSession(cookie)
      expect(id).toMatch(/^[\w-]{43}$/)
      expect(cookie).not.toContain(id)
    })

    it('stores more than fits into a cookie', async () => {
      const { getSession, commitSession, cookie } = await signedIn()
      const session = await getSession(cookie)
      session.set('user', 'a'.repeat(4097))
      await commitSession(session)
      expect((await getSession(cookie)).get('user')).toHaveLength(4097)
    })

    it('refuses a record that is too large and a value that cannot be stored, and keeps the old record', async () => {
      const { getSession, commitSession, cookie } = await signedIn()
      const large = await getSession(cookie)
      large.set('user', 'a'.repeat(70_000))
      await expect(commitSession(large)).rejects.toMatchObject({ code: 'too-large' })
      const odd = await getSession(cookie)
      odd.set('cart', { hat: (() => 1) as unknown as number })
      await expect(commitSession(odd)).rejects.toThrow('session.data.cart.hat')
      expect((await getSession(cookie)).get('user')).toBe('ada')
    })

    it('writes maxAge and expires of a commit into the cookie', async () => {
      const { getSession, commitSession } = create()
      const commit = async (life: { maxAge?: number; expires?: Date }): Promise<string> => {
        const session = await getSession()
        session.set('user', 'ada')
        return commitSession(session, life)
      }
      expect(await commit({ maxAge: 60 })).toMatch(/; Max-Age=60$/)
      const expires = new Date('2030-01-01T00:00:00Z')
      expect(await commit({ expires })).toMatch(/; Expires=Tue, 01 Jan 2030 00:00:00 GMT$/)
      expect(await commit({ maxAge: 60, expires })).toMatch(/; Max-Age=60$/)
    })

    it('refuses what is no time, and saves nothing', async () => {
      const { getSession, commitSession } = create()
      const session = await getSession()
      session.set('user', 'ada')
      for (const life of [
        { maxAge: Number.NaN },
        { maxAge: Infinity },
        { expires: new Date(Number.NaN) },
        { expires: '2030-01-01' as never },
      ]) {
        await expect(commitSession(session, life)).rejects.toThrow('must be a')
      }
      expect(session.id).toBe('')
      expect(await commitSession(session)).not.toBe('')
    })
  })
}

describeStorage('sessionStorage on memory', setUp)
describeStorage('sessionStorage on memcached', setUpStored)

describe('sessionStorage', () => {
  it('fits the type SessionStorage of React Router and of Remix 2', () => {
    const inReactRouter: reactRouter.SessionStorage<Data, Flash> = setUp()
    const inRemix: remix.SessionStorage<Data, Flash> = setUp()
    expect(Object.keys(inReactRouter)).toEqual(Object.keys(inRemix))
  })

  it('replaces the Max-Age of a persistent cookie with that of the commit', async () => {
    const { getSession, commitSession } = setUp({ cookie: { plainHttp: true, persistent: true } })
    const session = await getSession()
    session.set('user', 'ada')
    const setCookie = await commitSession(session, { maxAge: 60 })
    expect(setCookie.match(/Max-Age=\d+/g)).toEqual(['Max-Age=60'])
  })

  it('does not change the header of a deletion', async () => {
    const { sessions, getSession, commitSession, destroySession } = setUp()
    const first = await getSession()
    first.set('user', 'ada')
    const session = await getSession(cookieOf(await commitSession(first)))
    await destroySession(session)
    expect(await commitSession(session, { maxAge: 60 })).toMatch(/; Max-Age=0$/)
    expect(sessions).toBeDefined()
  })

  it('deletes a persistent cookie', async () => {
    const storage = setUp({ cookie: { plainHttp: true, persistent: true } })
    const session = await storage.getSession()
    session.set('user', 'ada')
    const cookie = cookieOf(await storage.commitSession(session))
    const deletion = await storage.destroySession(await storage.getSession(cookie))
    expect(deletion.match(/Max-Age=\d+/g)).toEqual(['Max-Age=0'])
  })

  it('reads its sessions after a new secret is added, and not without the old one', async () => {
    const store = memcachedStore({ servers: memcached.address })
    const [first, second] = [
      'the first secret of at least 32 bytes',
      'and the second one, as long as that',
    ]
    const before = setUp({ store, secrets: [first] })
    const session = await before.getSession()
    session.set('user', 'ada')
    const cookie = cookieOf(await before.commitSession(session))
    expect((await setUp({ store, secrets: [second] }).getSession(cookie)).data).toEqual({})
    const rotated = await setUp({ store, secrets: [second, first] }).getSession(cookie)
    expect(rotated.get('user')).toBe('ada')
  })

  it('shares its sessions with getSession(context)', async () => {
    const { sessions, getSession, commitSession } = setUp()
    const stored = await getSession()
    stored.set('user', 'ada')
    const cookie = cookieOf(await commitSession(stored))
    const request = new Request('http://localhost/', { headers: { Cookie: cookie } })
    const context = {}
    await sessionMiddleware(sessions)({ request, context }, async () => {
      const session = await sessionOf<typeof sessions>(context)
      session.data.count = 1
      return new Response(session.data.user)
    })
    expect((await getSession(cookie)).data).toEqual({ user: 'ada', count: 1 })
  })

  it('throws in an outage with unavailable: throw', async () => {
    const { getSession } = setUp({
      store: memcachedStore({ servers: '127.0.0.1:1' }),
      secrets: 'none',
      unavailable: 'throw',
    })
    const asked = getSession(`sid=${'A'.repeat(43)}`)
    await expect(asked).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('refuses a session of another storage, and an object that it did not return', async () => {
    const one = setUp()
    const session = await setUp().getSession()
    await expect(one.commitSession(session)).rejects.toThrow('not from getSession of the same')
    await expect(one.destroySession({ id: '', data: {} })).rejects.toThrow('not from getSession')
  })

  it('refuses __proto__ as a name, which would change the prototype', async () => {
    const { sessions } = setUp()
    const { getSession } = sessionStorage<Record<string, unknown>>(sessions, { authKeys: [] })
    const session = await getSession()
    expect(() => session.set('__proto__', { admin: true })).toThrow('use another name')
    expect(session.has('toString')).toBe(false)
    expect(session.get('constructor')).toBeUndefined()
  })

  const down = { store: memcachedStore({ servers: '127.0.0.1:1' }), secrets: 'none' } as const
  const unknown = `sid=${'A'.repeat(43)}`

  it('is unavailable in an outage, saves nothing, and sets no cookie', async () => {
    const { getSession, commitSession } = setUp(down)
    const session = await getSession(unknown)
    expect(session.state).toBe('unavailable')
    session.set('user', 'ada')
    expect(await commitSession(session)).toBe('')
  })

  it('throws a 503 for a sign-in or a sign-out that was not done', async () => {
    const { getSession, commitSession, destroySession } = setUp(down)
    const signIn = async (): Promise<string> => {
      const session = await getSession()
      session.signIn('ada')
      return commitSession(session)
    }
    const signOut = async (): Promise<string> => destroySession(await getSession(unknown))
    const signOutLate = async (): Promise<string> => {
      const session = await getSession(unknown)
      await commitSession(session)
      return destroySession(session)
    }
    for (const act of [signIn, signOut, signOutLate]) {
      const thrown = await act().catch((response: Response) => response)
      if (typeof thrown === 'string') throw new Error('Nothing was thrown')
      expect([thrown.status, thrown.headers.get('Retry-After')]).toEqual([503, '5'])
      expect(thrown.headers.getSetCookie()).toEqual([])
    }
  })

  it('throws the Response of onFailure, also for a lost change', async () => {
    const { sessions } = setUp(down)
    const onFailure = () => new Response(null, { status: 302, headers: { Location: '/later' } })
    const { getSession, commitSession } = sessionStorage<Data, Flash>(sessions, {
      authKeys: [],
      onFailure,
    })
    const session = await getSession(unknown)
    session.set('user', 'ada')
    await expect(commitSession(session)).rejects.toMatchObject({ status: 302 })
  })

  it('makes no trip without a cookie, 1 to read, 2 to change, 1 to create', async () => {
    const { getSession, commitSession } = setUpStored()
    const count = async (run: () => Promise<unknown>): Promise<number> => {
      const before = await memcached.commands()
      await run()
      return commandCount(before, await memcached.commands())
    }
    expect(await count(() => getSession())).toBe(0)
    let cookie = ''
    const create = async (): Promise<void> => {
      const session = await getSession()
      session.set('user', 'ada')
      cookie = cookieOf(await commitSession(session))
    }
    expect(await count(create)).toBe(1)
    expect(await count(async () => commitSession(await getSession(cookie)))).toBe(1)
    const change = async (): Promise<void> => {
      const session = await getSession(cookie)
      session.set('user', 'grace')
      await commitSession(session)
    }
    expect(await count(change)).toBe(2)
  })
})
