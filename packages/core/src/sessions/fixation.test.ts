import { describe, expect, it } from 'vitest'
import type { Committed } from '../commit/committed.ts'
import type { Session } from '../session/session.ts'
import { memoryStore } from '../store/memory-store.ts'
import { createSessions } from './sessions.ts'

type Data = Record<string, unknown>

const pairOf = ({ cookie }: Committed): string => cookie!.header.split(';')[0]!
const quiet = { namespace: 'x', onEvent: () => {} }

/** How the other request came by the token: in what cookie, and whether that was rotated before. */
const ways = ['its cookie', 'a cookie of before', 'a token that was rotated'] as const

/** Two processes' worth of the same sessions, and the cookie header of an attacker who planted or saw the token. */
async function planted(way: (typeof ways)[number]) {
  const clock = { now: 1_700_000_000_000 }
  const now = () => clock.now
  const store = memoryStore({ now })
  const shared = { ...quiet, store, testing: { now }, lifetime: { rotate: 60 } }
  const before = createSessions<Data>({ ...shared, cookie: { name: 'sid' } })
  const cookie = { name: 'app', former: [{ name: 'sid' }] }
  const make = () =>
    createSessions<Data>(
      way === 'a cookie of before' ? { ...shared, cookie } : { ...shared, cookie: { name: 'sid' } },
    )
  const begun = await before.open('')
  begun.session.data['n'] = 0
  const token = pairOf(await begun.commit())
  if (way === 'a token that was rotated') {
    clock.now += 61_000
    const rotating = await before.open(token)
    expect((await rotating.commit()).outcome).toBe('rotated')
  }
  return { here: make(), there: make(), token }
}

const moves = {
  'sign-in': (opened) => opened.session.signIn('ada'),
  renew: (opened) => opened.session.renew(),
} satisfies Record<
  string,
  (opened: { session: { signIn(subject: string): void; renew(): void } }) => void
>

const others = {
  'a change': (data: Data) => void (data['b'] = 1),
  'no change': () => {},
} satisfies Record<string, (data: Data) => void>

describe.each(ways)('a request that came by %s', (way) => {
  describe.each(Object.keys(moves) as (keyof typeof moves)[])('beside a %s', (move) => {
    it.each(Object.keys(others) as (keyof typeof others)[])(
      'with %s gets no token that the other request made',
      async (other) => {
        for (const isFirst of [true, false]) {
          for (const touch of [undefined, false] as const) {
            for (const isElsewhere of [false, true]) {
              const { here, there, token } = await planted(way)
              const how = touch === undefined ? {} : { touch }
              const thief = await (isElsewhere ? there : here).open(token, how)
              const victim = await here.open(token)
              expect([thief.session.state, victim.session.state]).toEqual(['live', 'live'])
              others[other](thief.session.data)
              moves[move](victim)
              const both = isFirst ? [thief, victim] : [victim, thief]
              const done = await Promise.all(both.map((opened) => opened.commit()))
              const [stolen, own] = (isFirst ? done : done.toReversed()) as [Committed, Committed]
              expect(own.outcome).toBe('renewed')
              expect(stolen.cookie?.value).not.toBe(own.cookie!.value)
              const kept = stolen.cookie === null ? token : pairOf(stolen)
              expect((await here.open(kept)).session.subject).toBeNull()
              expect((await here.open(pairOf(own))).session.state).toBe('live')
            }
          }
        }
      },
    )
  })
})

it('a request that is no use of the session gets no token of a rotation that is done with it', async () => {
  const clock = { now: 1_700_000_000_000 }
  const now = () => clock.now
  const lifetime = { rotate: 60 }
  const sessions = createSessions<Data>({
    ...quiet,
    store: memoryStore({ now }),
    testing: { now },
    lifetime,
  })
  const begun = await sessions.open('')
  begun.session.data['n'] = 0
  const token = pairOf(await begun.commit())
  clock.now += 61_000
  const [poll, page] = [await sessions.open(token, { touch: false }), await sessions.open(token)]
  poll.session.data['b'] = 1
  page.session.data['a'] = 1
  const [quietly, told] = await Promise.all([poll.commit(), page.commit()])
  expect([quietly.outcome, told.outcome]).toEqual(['saved', 'rotated'])
  expect(quietly.cookie).toBeNull()
  expect((await sessions.open(pairOf(told))).session.data).toEqual({ n: 0, a: 1, b: 1 })
})

it('a handler around another one keeps the cookie of the inner one, also for a cookie of before', async () => {
  const shared = { ...quiet, store: memoryStore() }
  const cookie = { name: 'app', plainHttp: true, former: [{ name: 'sid' }] }
  const sessions = createSessions<Data>({ ...shared, cookie })
  const request = new Request('http://localhost/', { headers: { Cookie: `sid=${'A'.repeat(43)}` } })
  const response = await sessions.handle(request, (outer) => {
    outer.data['outer'] = 1
    return sessions.handle(request, (inner) => {
      inner.signIn('ada')
      return new Response('done')
    })
  })
  const set = response.headers.getSetCookie().filter((line) => line.startsWith('app='))
  expect(set).toHaveLength(1)
  expect((await sessions.open(set[0]!.split(';')[0]!)).session.subject).toBe('ada')
})

it('a first use of a token that is dead meanwhile sets no cookie, and takes none away', async () => {
  const clock = { now: 1_700_000_000_000 }
  const now = () => clock.now
  const lifetime = { rotate: 60 }
  const shared = { ...quiet, store: memoryStore({ now }), testing: { now }, lifetime }
  const before = createSessions<Data>({ ...shared, cookie: { name: 'sid' } })
  const cookie = { name: 'app', former: [{ name: 'sid' }] }
  const sessions = createSessions<Data>({ ...shared, cookie })
  const begun = await before.open('')
  begun.session.data['n'] = 0
  const token = pairOf(await begun.commit())
  clock.now += 61_000
  const unused = pairOf(await (await before.open(token)).commit())
  const [slow, login] = [await sessions.open(unused), await sessions.open(unused)]
  expect(slow.session.state).toBe('live')
  login.session.signIn('ada')
  expect((await login.commit()).outcome).toBe('renewed')
  const done = await slow.commit()
  expect(done.outcome).toBe('unchanged')
  expect([done.cookie, done.formerCookies]).toEqual([null, []])
})

/** A session that has just been rotated, and the former and the present token of its visitor. */
async function rotated() {
  const clock = { now: 1_700_000_000_000 }
  const now = () => clock.now
  const memory = memoryStore({ now })
  const store = {
    ...memory,
    fails: false,
    async load(id: string, expiresAt?: number) {
      if (store.fails) throw Object.assign(new Error('wrong password'), { code: 'auth' })
      return memory.load(id, expiresAt)
    },
  }
  const shared = { ...quiet, store, testing: { now }, lifetime: { rotate: 60 } }
  const sessions = createSessions<Data>(shared)
  const begun = await sessions.open('')
  begun.session.data['n'] = 0
  const token = pairOf(await begun.commit())
  clock.now += 61_000
  const present = pairOf(await (await sessions.open(token)).commit())
  return { sessions, token, present, store }
}

const later = {
  'a sign-in': ({ session }) => session.signIn('ada'),
  'a renewal': ({ session }) => session.renew(),
  'a sign-out': ({ session }) => session.destroy(),
} satisfies Record<string, (opened: { session: Session<Data> }) => void>

describe.each(Object.keys(later) as (keyof typeof later)[])('after %s', (move) => {
  it('a slow request by a token that was rotated tells no dead token', async () => {
    const { sessions, token, present } = await rotated()
    const slow = await sessions.open(token)
    expect(slow.session.state).toBe('live')
    const other = await sessions.open(present)
    later[move](other)
    await other.commit()
    expect(await slow.commit()).toMatchObject({ outcome: 'unchanged', cookie: null })
  })

  it('a handler around the one that did it keeps its cookie, also for a cookie of before', async () => {
    const store = memoryStore()
    const before = createSessions<Data>({
      ...quiet,
      store,
      cookie: { name: 'sid', plainHttp: true },
    })
    const cookie = { name: 'app', plainHttp: true, former: [{ name: 'sid' }] }
    const sessions = createSessions<Data>({ ...quiet, store, cookie })
    const begun = await before.open('')
    begun.session.data['n'] = 0
    const headers = { Cookie: pairOf(await begun.commit()) }
    const request = new Request('http://localhost/', { headers })
    let inside: readonly string[] = []
    const response = await sessions.handle(request, async (outer) => {
      expect(outer.data).toEqual({ n: 0 })
      const answer = await sessions.handle(request, (session) => {
        later[move]({ session })
        return new Response('done')
      })
      inside = answer.headers.getSetCookie()
      return answer
    })
    expect(response.headers.getSetCookie()).toEqual(inside)
  })
})

it('does not fail a request whose last look at the session fails, and tells the token: it may be right', async () => {
  const { sessions, token, store, present } = await rotated()
  const slow = await sessions.open(token)
  store.fails = true
  const done = await slow.commit()
  expect(done.outcome).toBe('unchanged')
  expect(pairOf(done)).toBe(present)
})

it('a slow request tells no token of a session that was revoked meanwhile', async () => {
  const store = memoryStore()
  const before = createSessions<Data>({ ...quiet, store, cookie: { name: 'sid' } })
  const cookie = { name: 'app', former: [{ name: 'sid' }] }
  const sessions = createSessions<Data>({ ...quiet, store, cookie })
  const begun = await before.open('')
  begun.session.signIn('ada')
  const slow = await sessions.open(pairOf(await begun.commit()))
  await sessions.revoke('ada')
  expect(await slow.commit()).toMatchObject({ outcome: 'unchanged', cookie: null })
})

it('tells the token again while it is the one of the session', async () => {
  const { sessions, token, present } = await rotated()
  const late = await sessions.open(token)
  expect(pairOf(await late.commit())).toBe(present)
})
