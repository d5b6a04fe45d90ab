import type { SessionsOptions, SessionStore } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { StoredSession } from './stored-session.ts'
import { sessionStorage } from './session-storage.ts'

interface Data {
  userId: string | number | null
  role: string | false
  profile: { name: string; groups: Set<string> }
  cart: readonly string[]
  seen: ReadonlyMap<string, Set<string>>
}

type Stored = StoredSession<Data, Data>
type Act = (session: Stored) => void

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached()))
afterAll(() => memcached?.kill())

const authKeys = ['userId', 'role', 'profile'] as const

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const sessions = createSessions<Data>({
    store: memoryStore(),
    cookie: { plainHttp: true },
    ...options,
  })
  const storage = sessionStorage<Data>(sessions, { authKeys })
  return {
    ...storage,
    sessions,
    /** A request: returns the cookie that the browser has after it. */
    async visit(cookie: string, act: Act): Promise<string> {
      const session = await storage.getSession(cookie)
      act(session)
      return after(cookie, await storage.commitSession(session))
    },
    data: async (cookie: string) => (await storage.getSession(cookie)).data,
  }
}

type World = ReturnType<typeof setUp>

function setUpStored(options: Partial<SessionsOptions<Data>> = {}) {
  // Each with a list of sessions of its own.
  const namespace = crypto.randomUUID()
  return setUp({
    ...options,
    store: memcachedStore({ servers: memcached.address }),
    secrets: 'none',
    namespace,
  })
}

/** A store that can lose replies. */
function forgetful(store: SessionStore) {
  const losing = new Set<string>()
  const lose = (name: string): void => {
    if (losing.delete(name)) throw Object.assign(new Error('no reply'), { code: 'unavailable' })
  }
  return {
    loseNext: (name: 'load' | 'delete') => void losing.add(name),
    store: {
      ...store,
      async load(...given: Parameters<SessionStore['load']>) {
        lose('load')
        return store.load(...given)
      },
      async delete(...given: Parameters<SessionStore['delete']>) {
        const result = await store.delete(...given)
        lose('delete')
        return result
      },
    } satisfies SessionStore,
  }
}

/** A store that can be down, for all commands or some, and that can run something before a command. */
function shaky(memory: SessionStore = memoryStore()) {
  const state = {
    isDown: (_name: string): boolean => false,
    async before(_name: string): Promise<void> {},
  }
  const store = new Proxy(memory, {
    get(target, name: string) {
      const own = (target as unknown as Record<string, unknown>)[name]
      if (typeof own !== 'function') return own
      return async (...given: unknown[]): Promise<unknown> => {
        await state.before(name)
        if (state.isDown(name)) throw Object.assign(new Error('down'), { code: 'unavailable' })
        return (own as (...args: unknown[]) => unknown).apply(target, given)
      }
    },
  })
  return { state, store }
}

/** What it resolves or rejects with. */
const settled = (run: Promise<unknown>): Promise<unknown> => run.catch((thrown: unknown) => thrown)

async function expectFailure(thrown: unknown, text: string): Promise<void> {
  expect(thrown).toBeInstanceOf(Response)
  expect((thrown as Response).status).toBe(503)
  expect(await (thrown as Response).text()).toContain(text)
}

/** The cookie that the browser has after this answer. */
function after(cookie: string, setCookie: string): string {
  if (setCookie === '') return cookie
  return setCookie.endsWith('; Max-Age=0') ? '' : (setCookie.split(';')[0] ?? '')
}

const shop: Act = (session) => session.set('cart', ['hat'])
const seen = new Map([['hats', new Set(['bowler'])]])
const signIn: Act = (session) => session.set('userId', 'ada')
const signInWithSubject: Act = (session) => {
  session.signIn('ada')
  signIn(session)
}
const promote: Act = (session) => session.set('role', 'admin')
const unset: Act = (session) => session.unset('userId')

const signOuts: readonly Act[] = [
  unset,
  (session) => session.set('userId', null),
  (session) => session.set('userId', ''),
]

function describeAuthKeys(name: string, create: typeof setUpStored): void {
  describe(`authKeys, ${name}`, () => {
    it('a key that appears: a client that knew the token before is not signed in', async () => {
      const { visit, data } = create()
      const planted = await visit('', shop)
      const cookie = await visit(planted, signIn)
      expect(cookie).not.toBe(planted)
      expect(await data(cookie)).toEqual({ userId: 'ada', cart: ['hat'] })
      expect(await data(planted)).toEqual({})
    })

    it('a value that changes, also in place: a new token', async () => {
      const { visit, data } = create()
      const begun = await visit('', (session) => {
        session.set('userId', 1)
        session.set('profile', { name: 'Ada', groups: new Set(['staff']) })
      })
      const acts: readonly Act[] = [
        (session) => session.set('userId', '1'),
        (session) => session.set('role', 'admin'),
        (session) => session.get('profile')?.groups.add('admins'),
      ]
      let cookie = begun
      for (const act of acts) {
        const old = cookie
        cookie = await visit(old, act)
        expect(cookie).not.toBe(old)
        expect(await data(old)).toEqual({})
      }
      expect(await data(cookie)).toMatchObject({ userId: '1', role: 'admin' })
    })

    it('a value that stays: the token stays', async () => {
      const { visit } = create()
      const cookie = await visit('', (session) => {
        signIn(session)
        session.set('profile', { name: 'Ada', groups: new Set(['staff']) })
      })
      const same: Act = (session) => {
        signIn(session)
        session.set('profile', { name: 'Ada', groups: new Set(['staff']) })
        shop(session)
      }
      expect(await visit(cookie, same)).toBe(cookie)
    })

    it('two sign-ins of one browser at once: each answer signs in, with what was in the cart', async () => {
      const signInAndRenew: Act = (session) => {
        signIn(session)
        session.renew()
      }
      for (const act of [signIn, signInAndRenew]) {
        const { visit, getSession, commitSession, data } = create()
        const planted = await visit('', shop)
        const both = await Promise.all([getSession(planted), getSession(planted)])
        const cookies: string[] = []
        for (const session of both) {
          act(session)
          cookies.push(after(planted, await commitSession(session)))
        }
        expect(await data(await visit(planted, act))).toEqual({ userId: 'ada' })
        for (const cookie of cookies) {
          expect(await data(cookie)).toEqual({ userId: 'ada', cart: ['hat'] })
        }
        expect(await data(planted)).toEqual({})
      }
    })

    it('the last key that is removed: signed out, and the rest goes on under a new token', async () => {
      const { visit, data, getSession, commitSession } = create()
      for (const remove of signOuts) {
        const signedIn = await visit(await visit('', shop), (session) => {
          signIn(session)
          session.set('seen', seen)
        })
        const slow = await getSession(signedIn)
        const cookie = await visit(signedIn, (session) => {
          remove(session)
          session.flash('role', 'goodbye')
        })
        expect(cookie).not.toBe(signedIn)
        expect((await getSession(cookie)).get('cart')).toEqual(['hat'])
        expect((await getSession(cookie)).get('seen')).toEqual(seen)
        expect((await getSession(cookie)).get('role')).toBe('goodbye')
        expect((await getSession(cookie)).get('userId') ?? '').toBe('')
        expect(await data(signedIn)).toEqual({})
        slow.set('cart', ['coat'])
        expect(await commitSession(slow)).toBe('')
        expect(await data(signedIn)).toEqual({})
      }
    })

    it('the last key that is removed, and nothing is left: the cookie is deleted', async () => {
      const { visit } = create()
      expect(await visit(await visit('', signIn), (session) => session.unset('userId'))).toBe('')
    })

    it('one of several keys that is removed: a new token', async () => {
      const { visit, data } = create()
      const admin = await visit('', (session) => {
        signIn(session)
        session.set('role', 'admin')
      })
      const cookie = await visit(admin, (session) => session.set('role', false))
      expect(cookie).not.toBe(admin)
      expect(await data(cookie)).toEqual({ userId: 'ada', role: false })
      expect(await data(admin)).toEqual({})
    })

    it('signIn beside a key: one new token, in the list of the subject', async () => {
      const { sessions, visit, data } = create()
      const cookie = await visit(await visit('', shop), (session) => {
        signIn(session)
        session.signIn('ada')
      })
      expect(await sessions.list('ada')).toHaveLength(1)
      await sessions.revoke('ada')
      expect(await data(cookie)).toEqual({})
    })

    it('signIn beside a key that is removed: signed in', async () => {
      const { sessions, visit, data } = create()
      const cookie = await visit(await visit(await visit('', shop), signIn), (session) => {
        session.unset('userId')
        session.signIn('ada')
      })
      expect(await data(cookie)).toEqual({ cart: ['hat'] })
      expect((await sessions.open(cookie)).session.subject).toBe('ada')
    })

    it('a key that changes after signIn, or is removed, also with renew(): the subject of signIn is gone', async () => {
      const { sessions, visit, data } = create()
      const acts: readonly Act[] = [
        (session) => session.set('userId', 'grace'),
        (session) => session.unset('userId'),
      ]
      const renewing = acts.map<Act>((act) => (session) => {
        session.renew()
        act(session)
      })
      for (const act of [...acts, ...renewing]) {
        const ada = await visit(await visit('', shop), (session) => {
          signIn(session)
          session.signIn('ada')
        })
        const cookie = await visit(ada, act)
        const { session } = await sessions.open(cookie)
        expect([session.subject, session.data.cart]).toEqual([null, ['hat']])
        expect(await data(ada)).toEqual({})
        expect(await sessions.list('ada')).toEqual([])
      }
    })

    it('the end of a session stays the end, in each order of commits', async () => {
      const { visit, data, getSession, commitSession, destroySession } = create()
      const acts: readonly Act[] = [signIn, (session) => session.unset('role'), shop, () => {}]
      for (const act of acts) {
        const before = await visit(await visit('', shop), (session) => session.set('role', 'guest'))
        const first = await getSession(before)
        act(first)
        const between = after(before, await commitSession(first))
        const deletion = await destroySession(first)
        expect(after(between, deletion)).toBe('')
        expect([await data(before), await data(between)]).toEqual([{}, {}])
        expect(await commitSession(first)).not.toContain(between)

        const again = await visit(await visit('', shop), (session) => session.set('role', 'guest'))
        const second = await getSession(again)
        act(second)
        const deleted = await destroySession(second)
        expect(await commitSession(second)).toBe(deleted)
        expect(await data(again)).toEqual({})
      }
    })

    describe('a session with a subject that another request ends meanwhile', () => {
      const begin: Act = (session) => {
        signInWithSubject(session)
        session.set('cart', ['of ada'])
      }
      const other: Act = (session) => session.set('userId', 'grace')
      const out: Act = (session) => session.unset('userId')
      const more: Act = (session) => session.set('seen', seen)
      const both =
        (act: Act): Act =>
        (session) =>
          [act, more].forEach((each) => each(session))

      const endings: readonly [string, (world: World, cookie: string) => Promise<unknown>][] = [
        ['destroyed', ({ sessions }, cookie) => sessions.destroy(cookie)],
        ['revoked', ({ sessions }) => sessions.revoke('ada')],
        [
          'renewed and revoked',
          async ({ sessions, visit }, cookie) => {
            await visit(cookie, (session) => session.renew())
            await sessions.revoke('ada')
          },
        ],
      ]

      /** The data that a browser has after a slow request, during which its session ended. */
      async function slow(ending: (typeof endings)[number][1], act: Act) {
        const world = create()
        const cookie = await world.visit('', begin)
        const session = await world.getSession(cookie)
        act(session)
        await ending(world, cookie)
        const setCookie = await world.commitSession(session)
        expect(await world.data(cookie)).toEqual({})
        return world.data(after(cookie, setCookie))
      }

      it.each(endings)('%s: only what this one has set goes on', async (_how, ending) => {
        const same: Act = (session) => session.set('cart', session.get('cart') ?? [])
        const bothSame: Act = (session) => [same, other].forEach((each) => each(session))
        expect(await slow(ending, other)).toEqual({ userId: 'grace' })
        expect(await slow(ending, bothSame)).toEqual({ userId: 'grace' })
        expect(await slow(ending, out)).toEqual({})
        expect(await slow(ending, both(other))).toEqual({ userId: 'grace', seen })
        expect(await slow(ending, both(out))).toEqual({ seen })
      })

      it.each(endings)('%s: a new right is not given without a user', async (_how, ending) => {
        const failed = await slow(ending, promote).catch((thrown: unknown) => thrown)
        expect(failed).toBeInstanceOf(Response)
        expect((failed as Response).status).toBe(503)
        expect(await (failed as Response).text()).toMatch(/could not be signed in/)
      })

      it('fails as onFailure says, and again if it is committed again', async () => {
        const onFailure = vi.fn(() => new Response('ours', { status: 409 }))
        const { sessions, visit } = create()
        const { getSession, commitSession } = sessionStorage(sessions, { authKeys, onFailure })
        const session = await getSession(await visit('', begin))
        session.set('role', 'admin')
        await sessions.revoke('ada')
        for (let tries = 0; tries < 2; tries++) {
          const failed = await commitSession(session).catch((thrown: unknown) => thrown)
          expect((failed as Response).status).toBe(409)
        }
        expect(onFailure.mock.calls[0]).toMatchObject([{ outcome: 'gone' }, {}])
      })

      it('one that is signed in again lives, beside one with the new right', async () => {
        const { sessions, visit, data, getSession, commitSession } = create()
        const cookie = await visit('', begin)
        const session = await getSession(cookie)
        promote(session)
        const next = await visit(cookie, (now) => now.signIn('ada'))
        const admin = after(cookie, await commitSession(session))
        expect(await data(admin)).toEqual({ userId: 'ada', cart: ['of ada'], role: 'admin' })
        expect(await data(next)).toEqual({ userId: 'ada', cart: ['of ada'] })
        expect(await sessions.list('ada')).toHaveLength(1)
      })

      it('two switches to another user at once: each answer signs in, also with the same role', async () => {
        const { visit, data, getSession, commitSession } = create()
        const cookie = await visit('', (session) => {
          begin(session)
          session.set('role', 'user')
        })
        for (const session of await Promise.all([getSession(cookie), getSession(cookie)])) {
          other(session)
          session.set('role', 'user')
          const next = after(cookie, await commitSession(session))
          expect(await data(next)).toMatchObject({ userId: 'grace', role: 'user' })
        }
      })

      it('two commits of one session at once', async () => {
        const { visit, getSession, commitSession } = create()
        const session = await getSession(await visit('', begin))
        other(session)
        const [first, second] = await Promise.all([commitSession(session), commitSession(session)])
        expect(first).toMatch(/^sid=.{43};/)
        expect(second).toBe(first)
      })
    })

    describe('a session that lives goes on', () => {
      const inCart: Act = (session) => session.set('cart', ['hat'])
      const acts: readonly Act[] = [
        (session) => session.unset('userId'),
        (session) => session.set('role', 'admin'),
      ]
      const claims = [true, false].flatMap((claimed) => acts.map((act) => [claimed, act] as const))

      function slowWorld() {
        const clock = { now: Date.now() }
        const { store, loseNext } = forgetful(memoryStore({ now: () => clock.now }))
        const testing = { now: () => clock.now }
        const options = { store, testing, lifetime: { rotate: 600 }, onEvent() {} }
        return { ...setUp(options), clock, loseNext }
      }

      async function begin({ visit }: World, claimed: boolean): Promise<string> {
        const cookie = await visit('', (session) => {
          if (claimed) session.signIn('ada')
          signIn(session)
          inCart(session)
        })
        return visit(cookie, () => {})
      }

      it.each(['load', 'delete'] as const)('though the reply of a %s is lost', async (command) => {
        for (const [claimed, act] of claims) {
          const world = slowWorld()
          const cookie = await begin(world, claimed)
          const session = await world.getSession(cookie)
          act(session)
          // Without a subject, a commit loads nothing.
          if (claimed || command === 'delete') world.loseNext(command)
          const saved = await settled(world.commitSession(session))
          // The list alone says that the session of a subject was not revoked.
          const isUnsaved = claimed && command === 'load' && act === acts[1]
          if (isUnsaved) await expectFailure(saved, 'signed in')
          const next = isUnsaved ? cookie : after(cookie, saved as string)
          expect(await world.data(next)).toMatchObject({ cart: ['hat'] })
        }
      })

      it.each([16_000, 61_000])('though its token was rotated %i ms ago', async (passed) => {
        const [out] = acts
        for (const claimed of [true, false]) {
          const world = slowWorld()
          const cookie = await begin(world, claimed)
          world.clock.now += 601_000
          const session = await world.getSession(cookie)
          const rotated = await world.visit(cookie, () => {})
          expect(rotated).not.toBe(cookie)
          world.clock.now += passed
          out!(session)
          const next = after(rotated, await world.commitSession(session))
          expect(await world.data(next)).toEqual({ cart: ['hat'] })
        }
      })
    })

    describe.each([
      ['without a subject', signIn],
      ['with a subject', signInWithSubject],
    ])('a new right, %s', (_how, begin) => {
      it('is merged with what other requests have saved and removed', async () => {
        const { visit, data, getSession, commitSession } = create()
        const cookie = await visit('', (session) => {
          begin(session)
          session.set('seen', seen)
        })
        const slow = await getSession(cookie)
        promote(slow)
        await visit(cookie, shop)
        await visit(cookie, (session) => session.unset('seen'))
        const next = after(cookie, await commitSession(slow))
        expect(await data(next)).toEqual({ userId: 'ada', role: 'admin', cart: ['hat'] })
      })

      it('two at once: each answer has it', async () => {
        const { visit, data, getSession, commitSession } = create()
        const cookie = await visit('', begin)
        for (const session of await Promise.all([getSession(cookie), getSession(cookie)])) {
          promote(session)
          const next = after('', await commitSession(session))
          expect(await data(next)).toEqual({ userId: 'ada', role: 'admin' })
        }
      })

      it('a save under the old token is reported as moved', async () => {
        const onFailure = vi.fn()
        const { visit, data, getSession, commitSession } = create({ onFailure })
        const cookie = await visit('', begin)
        const saving = await getSession(cookie)
        shop(saving)
        const admin = await visit(cookie, promote)
        expect(await commitSession(saving)).toBe('')
        expect(onFailure.mock.calls[0]).toMatchObject([{ outcome: 'moved', asked: 'change' }, {}])
        expect(await data(admin)).toEqual({ userId: 'ada', role: 'admin' })
      })

      it('a sign-out under the old token ends the session, loaded before or after', async () => {
        for (const act of [...signOuts, null]) {
          for (const isLate of [false, true]) {
            const { visit, data, getSession, commitSession, destroySession } = create()
            const cookie = await visit('', begin)
            const early = await getSession(cookie)
            const admin = await visit(cookie, promote)
            const session = isLate ? await getSession(cookie) : early
            act?.(session)
            const ending = act === null ? destroySession(session) : commitSession(session)
            // A value that is set to nothing in a session that was not read may mean no sign-out.
            if ((await settled(ending)) instanceof Response) expect(act).not.toBe(unset)
            else expect(await data(admin)).toEqual({})
          }
        }
      })
    })

    describe('a session without a subject that another request renews and destroys', () => {
      async function slow(act: Act) {
        const world = create()
        const { visit, sessions, getSession, commitSession } = world
        const cookie = await visit('', (session) => [signIn, shop].forEach((each) => each(session)))
        const session = await getSession(cookie)
        act(session)
        await sessions.destroy(await visit(cookie, (now) => now.renew()))
        return { ...world, session, result: await settled(commitSession(session)) }
      }

      it('another user signs in, without its data', async () => {
        const { result, data } = await slow((session) => session.set('userId', 'grace'))
        expect(await data(after('', String(result)))).toEqual({ userId: 'grace' })
      })

      it('a new right is refused, also if it is committed again', async () => {
        const { result, session, commitSession } = await slow(promote)
        await expectFailure(result, 'could not be signed in')
        await expectFailure(await settled(commitSession(session)), 'could not be signed in')
      })
    })

    it('a user that is set again as it was does not bring a revoked session back', async () => {
      const { sessions, visit, getSession, commitSession } = create()
      const cookie = await visit('', (session) => {
        signInWithSubject(session)
        session.set('role', 'user')
      })
      const session = await getSession(cookie)
      signIn(session)
      promote(session)
      await sessions.revoke('ada')
      await expectFailure(await settled(commitSession(session)), 'could not be signed in')
    })

    it('a guest whose session ends meanwhile signs in', async () => {
      const { sessions, visit, data, getSession, commitSession } = create()
      const guest = await visit('', shop)
      const session = await getSession(guest)
      signIn(session)
      await sessions.destroy(guest)
      const cookie = after('', await commitSession(session))
      expect(await data(cookie)).toEqual({ userId: 'ada' })
      expect(await commitSession(session)).toContain(cookie)
    })

    it('a remembered visitor stays remembered', async () => {
      const { visit, getSession, commitSession } = create()
      const cookie = await visit('', (session) => {
        session.signIn('ada', { persist: true })
        signIn(session)
      })
      const session = await getSession(cookie)
      promote(session)
      expect(await commitSession(session)).toMatch(/; Max-Age=[1-9]/)
    })

    it('a sign-out of a visitor without a session keeps what else is set', async () => {
      const { visit, data } = create()
      for (const signOut of signOuts) {
        for (const before of ['', `sid=${'a'.repeat(43)}`]) {
          const cookie = await visit(before, (session) => {
            signOut(session)
            shop(session)
          })
          expect(await data(cookie)).toMatchObject({ cart: ['hat'] })
        }
      }
    })

    it('two commits of one session at once have the same answer, and destroySession ends both', async () => {
      const { visit, data, getSession, commitSession, destroySession } = create()
      const acts = [promote, ...signOuts]
      for (const act of acts) {
        const session = await getSession(await visit(await visit('', shop), signInWithSubject))
        act(session)
        const [first, second, deletion] = await Promise.all([
          commitSession(session),
          commitSession(session),
          destroySession(session),
        ])
        expect(first).toMatch(/^sid=.{43};/)
        expect(second).toBe(first)
        expect(after(first, deletion)).toBe('')
        expect(await data(after('', first))).toEqual({})
      }
      const guest = await visit('', shop)
      const session = await getSession(guest)
      signIn(session)
      await visit(guest, signIn)
      const [first, second] = await Promise.all([commitSession(session), commitSession(session)])
      expect(second).toBe(first)
    })

    it('a commit that is repeated returns the same cookie', async () => {
      const { visit, getSession, commitSession } = create()
      for (const act of [signIn, (session: Stored) => session.unset('role')]) {
        const cookie = await visit(await visit('', shop), (session) => session.set('role', 'guest'))
        const session = await getSession(cookie)
        act(session)
        const setCookie = await commitSession(session)
        expect(setCookie).toMatch(/^sid=.{43};/)
        expect(await commitSession(session)).toBe(setCookie)
      }
    })
  })
}

describeAuthKeys('on memory', setUp)
describeAuthKeys('on memcached', setUpStored)

describe('authKeys', () => {
  it('needs sessions', () => {
    for (const sessions of [undefined, null, {}]) {
      const make = () => sessionStorage<Data>(sessions as never, { authKeys })
      expect(make).toThrow(expect.objectContaining({ code: 'invalid-option' }))
      expect(make).toThrow('createSessions')
    }
  })

  it('must be given: [] if there is no login', () => {
    const { sessions } = setUp()
    // @ts-expect-error: authKeys is missing
    const bare = () => sessionStorage<Data>(sessions)
    // @ts-expect-error: authKeys is missing
    const without = () => sessionStorage<Data>(sessions, {})
    // @ts-expect-error: not a key of Data
    const misspelled = () => sessionStorage<Data>(sessions, { authKeys: ['userID'] })
    // @ts-expect-error: a text is no list
    const text = () => sessionStorage<Data>(sessions, { authKeys: 'userId' })
    for (const wrong of [bare, without, text]) {
      expect(wrong).toThrow(expect.objectContaining({ code: 'invalid-option' }))
      expect(wrong).toThrow("such as { authKeys: ['userId'] }, or []")
    }
    expect(misspelled).not.toThrow()
  })

  it('in an outage: a 503 for a sign-in, and for a sign-out', async () => {
    const memory = memoryStore()
    let isDown = false
    const store = new Proxy(memory, {
      get: (target, name: keyof typeof memory) =>
        isDown ? () => Promise.reject(new Error('down')) : target[name],
    })
    const { visit, getSession, commitSession } = setUp({ store })
    const cookie = await visit('', shop)
    const signedIn = await visit('', signIn)
    const [one, other] = [await getSession(cookie), await getSession(signedIn)]
    isDown = true
    signIn(one)
    other.unset('userId')
    const texts: string[] = []
    for (const session of [one, other]) {
      const thrown = await commitSession(session).catch((response: Response) => response)
      if (typeof thrown === 'string') throw new Error('Nothing was thrown')
      expect(thrown.status).toBe(503)
      texts.push(await thrown.text())
    }
    expect(texts).toEqual([
      expect.stringContaining('could not be signed in'),
      expect.stringContaining('signed out'),
    ])
  })

  it('in an outage: the session of a subject that gets a new right goes on, also later', async () => {
    const { state, store } = shaky()
    const { sessions, visit, getSession, commitSession } = setUp({ store, onEvent() {} })
    for (const isDown of [() => true, (name: string) => name === 'create']) {
      const cookie = await visit('', signInWithSubject)
      const session = await getSession(cookie)
      promote(session)
      state.isDown = isDown
      await expectFailure(await settled(commitSession(session)), 'could not be signed in')
      state.isDown = () => false
      // A sign-out would be sent again by now.
      await new Promise((resolve) => void setTimeout(resolve, 1200))
      const other = setUp({ store, onEvent() {} })
      expect(await other.data(cookie)).toEqual({ userId: 'ada' })
      expect(await sessions.list('ada')).toHaveLength(1)
      await sessions.revoke('ada')
    }
  })

  it('a sign-out of a session that could not be read ends it by unset, and else fails', async () => {
    for (const signOut of signOuts) {
      const { state, store } = shaky()
      const { visit, data, getSession, commitSession } = setUp({ store, onEvent() {} })
      const cookie = await visit('', signIn)
      state.isDown = () => true
      const [first, second] = [await getSession(cookie), await getSession(cookie)]
      signOut(first)
      const isUnset = signOut === unset
      await expectFailure(await settled(commitSession(first)), isUnset ? 'signed out' : 'renewed')
      state.isDown = () => false
      signOut(second)
      const result = await settled(commitSession(second))
      if (!isUnset) await expectFailure(result, 'renewed')
      // `set('userId', user?.id ?? null)` in an outage means no sign-out.
      const left = isUnset ? {} : { userId: 'ada' }
      expect(await data(cookie)).toEqual(left)
      expect(await setUp({ store }).data(cookie)).toEqual(left)
    }
  })

  it('a right is removed from a session that could not be read: a 503, and nothing ends', async () => {
    const { state, store } = shaky()
    const { visit, data, getSession, commitSession } = setUp({ store, onEvent() {} })
    const cookie = await visit(await visit('', signIn), promote)
    state.isDown = () => true
    const session = await getSession(cookie)
    state.isDown = () => false
    session.unset('role')
    await expectFailure(await settled(commitSession(session)), 'renewed')
    expect(await data(cookie)).toEqual({ userId: 'ada', role: 'admin' })
  })

  it('a second click that removes a right ends nothing', async () => {
    const { visit, data, getSession, commitSession } = setUp({ onEvent() {} })
    const cookie = await visit(await visit('', signIn), promote)
    const next = await visit(cookie, (session) => session.unset('role'))
    const second = await getSession(cookie)
    second.unset('role')
    expect(await settled(commitSession(second))).toBeInstanceOf(Response)
    expect(await data(next)).toEqual({ userId: 'ada' })
  })

  it('a right beside signIn, whose session has ended meanwhile, is refused without its user', async () => {
    const { sessions, visit, getSession, commitSession } = setUp({ onEvent() {} })
    const cookie = await visit('', signInWithSubject)
    const session = await getSession(cookie)
    session.signIn('ada')
    promote(session)
    await sessions.destroy(cookie)
    await expectFailure(await settled(commitSession(session)), 'signed in')
    expect(await sessions.list('ada')).toEqual([])
  })

  it('what is changed beside a commit is refused, and taken again after one that failed', async () => {
    const { visit, data, getSession, commitSession } = setUp()
    const cookie = await visit(await visit('', shop), signIn)
    const session = await getSession(cookie)
    session.set('cart', [() => {}] as never)
    const failing = settled(commitSession(session))
    const committed = expect.objectContaining({ code: 'committed' }) as Error
    expect(() => session.set('userId', 'grace')).toThrow(committed)
    expect(() => session.unset('userId')).toThrow(committed)
    expect(await failing).toMatchObject({ code: 'unsupported-value' })
    session.unset('cart')
    session.set('userId', 'grace')
    expect(await data(after(cookie, await commitSession(session)))).toEqual({ userId: 'grace' })
  })

  it('an onFailure that throws nothing leaves the cookie of a sign-out that failed', async () => {
    const { state, store } = shaky()
    const { visit, sessions } = setUp({ store, onEvent() {} })
    const cookie = await visit(await visit('', shop), signIn)
    const storage = sessionStorage<Data>(sessions, { authKeys: ['userId'], onFailure() {} })
    const session = await storage.getSession(cookie)
    session.unset('userId')
    state.isDown = (name) => name === 'delete'
    expect(await storage.commitSession(session)).toBe('')
  })

  it('a sign-out in a process without the secret of the session fails', async () => {
    const store = memcachedStore({ servers: memcached.address })
    const namespace = crypto.randomUUID()
    const [old, next] = [
      'the first secret, of 32 bytes or more',
      'the second secret, as long as that',
    ]
    const options = { store, namespace, onEvent() {} } as const
    const newer = setUp({ ...options, secrets: [next!, old!] })
    const older = setUp({ ...options, secrets: [old!] })
    const session = await older.getSession(await newer.visit('', signIn))
    session.unset('userId')
    await expectFailure(await settled(older.commitSession(session)), 'signed out')
  })

  it('beside a value that cannot be stored, nothing is done', async () => {
    const values = [() => 1, 'a'.repeat(70_000)]
    for (const value of values) {
      for (const act of [promote, ...signOuts]) {
        const { sessions, visit, data, getSession, commitSession } = setUp({ onEvent() {} })
        const cookie = await visit(await visit('', shop), signInWithSubject)
        const session = await getSession(cookie)
        act(session)
        session.set('cart', [value] as never)
        expect(await settled(commitSession(session))).toMatchObject({ name: 'SessionError' })
        expect(await data(cookie)).toEqual({ userId: 'ada', cart: ['hat'] })
        expect(await sessions.list('ada')).toHaveLength(1)
        shop(session)
        const next = after(cookie, await commitSession(session))
        expect(next).not.toBe(cookie)
        expect(await data(next)).toMatchObject({ cart: ['hat'] })
      }
    }
  })

  it('a sign-out is done if only the next session cannot be stored', async () => {
    for (const unavailable of ['degrade', 'throw'] as const) {
      const { state, store } = shaky()
      const { visit, data, getSession, commitSession } = setUp({ store, unavailable, onEvent() {} })
      const cookie = await visit(await visit('', shop), signIn)
      const session = await getSession(cookie)
      session.unset('userId')
      state.isDown = (name) => name === 'create'
      expect(after(cookie, await commitSession(session))).toBe('')
      expect(after(cookie, await commitSession(session))).toBe('')
      state.isDown = () => false
      expect(await data(cookie)).toEqual({})
    }
  })

  it('a session that ends just before the first write does not come back', async () => {
    const { state, store } = shaky()
    const { sessions, visit, getSession, commitSession } = setUp({ store })
    const cookie = await visit(await visit('', shop), signInWithSubject)
    const session = await getSession(cookie)
    promote(session)
    const commands: string[] = []
    state.before = async (name) => {
      if (name !== 'create') return
      state.before = async () => {}
      await sessions.destroy(cookie)
      state.before = async (next) => void commands.push(next)
    }
    await expectFailure(await settled(commitSession(session)), 'could not be signed in')
    // What this request alone had stored.
    expect(commands.at(-1)).toBe('delete')
    state.before = async () => {}
  })

  it('a new right is refused if it cannot be seen whether it has its user', async () => {
    for (const unavailable of ['degrade', 'throw'] as const) {
      const { state, store } = shaky()
      const { sessions, visit } = setUp({ store, unavailable, onEvent() {} })
      const cookie = await visit('', signInWithSubject)
      let isCommitting = false
      const lazy: typeof sessions.lazy = (...given) => {
        if (isCommitting) state.isDown = () => true
        return sessions.lazy(...given)
      }
      const { getSession, commitSession } = sessionStorage({ ...sessions, lazy }, { authKeys })
      const session = await getSession(cookie)
      session.set('role', 'admin')
      await sessions.destroy(cookie)
      isCommitting = true
      expect(await settled(commitSession(session))).toBeInstanceOf(Object)
      await expectFailure(await settled(commitSession(session)), 'could not be signed in')
    }
  })

  it('destroySession after a refused right ends what another request made of the session', async () => {
    const { state, store } = shaky()
    const { sessions, visit, data } = setUp({ store, onEvent() {} })
    const cookie = await visit('', signIn)
    let isCommitting = false
    const lazy: typeof sessions.lazy = (...given) => {
      if (isCommitting) state.isDown = () => true
      return sessions.lazy(...given)
    }
    const storage = sessionStorage({ ...sessions, lazy }, { authKeys })
    const session = await storage.getSession(cookie)
    session.set('role', 'admin')
    const renewed = await visit(cookie, (now) => now.renew())
    isCommitting = true
    await settled(storage.commitSession(session))
    await expectFailure(await settled(storage.commitSession(session)), 'could not be signed in')
    isCommitting = false
    state.isDown = () => false
    await storage.destroySession(session)
    expect(await data(renewed)).toEqual({})
  })

  it('destroySession that failed can be called again, also after a change of the user', async () => {
    const { state, store } = shaky()
    const { visit, getSession, commitSession, destroySession } = setUp({ store, onEvent() {} })
    const session = await getSession(await visit('', signInWithSubject))
    session.set('userId', 'grace')
    const next = after('', await commitSession(session))
    state.isDown = () => true
    await expectFailure(await settled(destroySession(session)), 'signed out')
    state.isDown = () => false
    await destroySession(session)
    expect(await setUp({ store }).data(next)).toEqual({})
  })

  it('refuses a circular value as every other key does', async () => {
    const { getSession, commitSession } = setUp()
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const session = await getSession()
    session.set('profile', circular as never)
    await expect(commitSession(session)).rejects.toMatchObject({ code: 'unsupported-value' })
  })

  it('a sign-in begins the absolute lifetime anew, and counts as fresh', async () => {
    let now = Date.UTC(2030, 0)
    const { sessions, visit } = setUp({
      lifetime: { idle: 3600, absolute: 7200 },
      testing: { now: () => now },
      store: memoryStore({ now: () => now }),
    })
    const planted = await visit('', shop)
    now += 3_000_000
    const cookie = await visit(planted, signIn)
    const { session } = await sessions.open(cookie)
    expect(session.createdAt).toEqual(new Date(now))
    expect(() => session.requireFresh(1)).not.toThrow()
  })

  it('a sign-out leaves no fresh session', async () => {
    const { sessions, visit } = setUp()
    const signedIn = await visit(await visit('', shop), signIn)
    const cookie = await visit(signedIn, (session) => session.unset('userId'))
    const { session } = await sessions.open(cookie)
    expect(() => session.requireFresh(60)).toThrow(expect.objectContaining({ code: 'not-fresh' }))
  })

  it('costs memcached 3 commands to sign in, and 2 or 3 to sign out by unset', async () => {
    const { visit } = setUpStored()
    const count = async (run: () => Promise<unknown>): Promise<number> => {
      const before = await memcached.commands()
      await run()
      return commandCount(before, await memcached.commands())
    }
    let cookie = await visit('', shop)
    expect(await count(async () => (cookie = await visit(cookie, signIn)))).toBe(3)
    expect(await count(() => visit(cookie, (session) => session.unset('userId')))).toBe(3)
    cookie = await visit('', signIn)
    expect(await count(() => visit(cookie, (session) => session.unset('userId')))).toBe(2)
  })
})
