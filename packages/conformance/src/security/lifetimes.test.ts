import { createSessions, lifetimes } from '@coatcheck/core'
import type { Session, Sessions, SessionsOptions, SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'
import { describeOnAll } from '../backends.ts'
import { createVisitor, increment } from '../visitor.ts'

type Data = Record<string, unknown>

const secrets = ['a secret of thirty-two bytes, or so']
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const signIn = (session: Session<Data>): void => session.signIn('user-1')

function setUp(options: Partial<SessionsOptions<Data>> = {}): {
  readonly sessions: Sessions<Data>
  readonly pass: (milliseconds: number) => void
  readonly size: () => number
} {
  let clock = 1_800_000_000_000
  const now = (): number => clock
  const store = memoryStore({ now, maxSessions: 1_000_000 })
  return {
    sessions: createSessions<Data>({ store, testing: { now }, ...options }),
    pass: (milliseconds) => void (clock += milliseconds),
    size: () => store.size,
  }
}

/** A store that never expires a record. */
function immortalStore(): SessionStore {
  const store = memoryStore()
  const never = 8_640_000_000_000_000
  return {
    load: (id) => store.load(id),
    create: (id, bytes) => store.create(id, bytes, never),
    save: (id, bytes, _expiresAt, version) => store.save(id, bytes, never, version as number),
    delete: (id, version) => store.delete(id, version as number | undefined),
  }
}

describe('the idle time', () => {
  it('S8, S50, S53, CVE-2024-35220: ends the session, however long the browser keeps the cookie', async () => {
    for (const persistent of [false, true]) {
      const { sessions, pass } = setUp({ cookie: { persistent } })
      const visitor = createVisitor(sessions)
      await visitor.visit(signIn)
      pass(hour - 1000)
      expect((await visitor.visit(() => {})).state).toBe('live')
      pass(hour - 1000)
      expect((await visitor.visit(increment)).state).toBe('live')
      pass(hour)
      expect((await visitor.visit(() => {})).state).toBe('new')
    }
  })

  it('S50: activity moves the idle end, a sign-in both', async () => {
    const { sessions, pass } = setUp()
    const visitor = createVisitor(sessions)
    await visitor.visit(signIn)
    for (let n = 0; n < 23; n++) {
      pass(59 * minute)
      expect((await visitor.visit(() => {})).state).toBe('live')
    }
    await visitor.visit((session) => session.renew({ reauthenticated: true }))
    for (let n = 0; n < 23; n++) {
      pass(59 * minute)
      expect((await visitor.visit(() => {})).state).toBe('live')
    }
  })
})

describe('the absolute time', () => {
  it('S9, S53: ends a session that is used every minute', async () => {
    const { sessions, pass } = setUp()
    const visitor = createVisitor(sessions)
    await visitor.visit(signIn)
    for (let n = 1; n < 24 * 60; n++) {
      pass(minute)
      if ((await visitor.visit(increment)).state !== 'live')
        throw new Error(`ended after ${n} minutes`)
    }
    pass(minute)
    expect((await visitor.visit(() => {})).state).toBe('new')
  })

  it('S9: a renewal does not move it, a sign-in does, and no rotation does', async () => {
    const { sessions, pass } = setUp({ lifetime: { idle: 86_400, rotate: 3600 } })
    for (const [act, lives] of [
      [(session: Session<Data>) => session.renew(), false],
      [(session: Session<Data>) => session.renew({ reauthenticated: true }), true],
      [(session: Session<Data>) => session.signIn('user-2'), true],
      [() => {}, false],
    ] as const) {
      const visitor = createVisitor(sessions)
      await visitor.visit(signIn)
      pass(23 * hour)
      await visitor.visit(act)
      pass(2 * hour)
      expect((await visitor.visit(() => {})).state).toBe(lives ? 'live' : 'new')
    }
  })

  it('S9, S53: depends on the record alone, with a store that forgets nothing', async () => {
    let clock = 1_800_000_000_000
    const sessions = createSessions<Data>({
      store: immortalStore(),
      secrets,
      testing: { now: () => clock },
    })
    const visitor = createVisitor(sessions)
    await visitor.visit(signIn)
    const { session, commit } = await sessions.open(visitor.cookie)
    clock += day - 1
    expect((await visitor.visit(() => {})).state).toBe('live')
    clock += 1
    expect((await visitor.visit(() => {})).state).toBe('new')
    session.data['late'] = 1
    expect(await commit()).toMatchObject({ outcome: 'gone', cookie: null })
  })

  it('S9: a renewal and a rotation that come too late do nothing, and issue no token', async () => {
    const renewal = (session: Session<Data>): void => session.renew()
    // No one asked for the rotation, so it cannot fail.
    for (const [act, outcome] of [
      [renewal, 'gone'],
      [increment, 'gone'],
      [() => {}, 'unchanged'],
    ] as const) {
      let clock = 1_800_000_000_000
      const lifetime = { rotate: 60 }
      const sessions = createSessions<Data>({
        store: immortalStore(),
        secrets,
        lifetime,
        testing: { now: () => clock },
      })
      const visitor = createVisitor(sessions)
      await visitor.visit(signIn)
      clock += day - 1
      const { session, commit } = await sessions.open(visitor.cookie)
      act(session)
      clock += 1
      expect(await commit()).toMatchObject({ outcome, cookie: null })
    }
  })

  it.each(Object.entries(lifetimes))(
    'S1: %s ends sessions when it says',
    async (_name, lifetime) => {
      const { idle } = lifetime
      const { sessions, pass } = setUp({ lifetime })
      const visitor = createVisitor(sessions)
      await visitor.visit(signIn)
      pass(idle * 1000 - 1)
      expect((await visitor.visit(() => {})).state).toBe('live')
      pass(idle * 1000)
      expect((await visitor.visit(() => {})).state).toBe('new')
    },
  )

  it('S1, S65: no option makes a session last for ever', () => {
    for (const absolute of [Infinity, Number.NaN, 0, -1, 1.5, 34_560_001, 1e21, '60' as never]) {
      for (const key of ['absolute', 'idle', 'unused', 'rotate'] as const) {
        expect(() => setUp({ lifetime: { [key]: absolute } })).toThrow(`lifetime.${key}`)
      }
    }
  })

  it('S65: a persistent cookie lasts to the absolute end, and 400 days at most', async () => {
    const { sessions, pass } = setUp({
      cookie: { persistent: true },
      lifetime: { idle: 34_560_000, absolute: 34_560_000 },
    })
    const visitor = createVisitor(sessions)
    const first = await visitor.visit(signIn)
    expect(first.setCookies[0]).toMatch(/; Max-Age=34560000$/)
    pass(400 * day - 60_500)
    const last = await visitor.visit((session) => session.renew())
    expect(last.setCookies[0]).toMatch(/; Max-Age=61$/)
  })
})

describe('anonymous visitors', () => {
  it('S90: 10,000 that come once are forgotten after ten minutes', async () => {
    const { sessions, pass, size } = setUp()
    const signedIn = createVisitor(sessions)
    await signedIn.visit(signIn)
    for (let n = 0; n < 10_000; n++) await createVisitor(sessions).visit(increment)
    expect(size()).toBeGreaterThan(10_000)
    pass(10 * minute)
    for (let n = 0; n < 3000; n++) await sessions.open(`__Host-Http-sid=${'A'.repeat(43)}`)
    expect(size()).toBeLessThan(5)
    expect((await signedIn.visit(() => {})).state).toBe('live')
  })

  it('S90: one whose cookie comes back keeps its cart, for the idle time', async () => {
    const { sessions, pass } = setUp()
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    pass(9 * minute)
    await visitor.visit(() => {})
    pass(59 * minute)
    expect((await visitor.visit(() => {})).state).toBe('live')
    const once = createVisitor(sessions)
    await once.visit(increment)
    pass(10 * minute)
    expect((await once.visit(() => {})).state).toBe('new')
  })

  it('S90: one that signs in with its first request has the whole idle time', async () => {
    for (const act of [signIn, (session: Session<Data>) => (increment(session), session.renew())]) {
      const { sessions, pass } = setUp()
      const visitor = createVisitor(sessions)
      await visitor.visit(act)
      pass(59 * minute)
      expect((await visitor.visit(() => {})).state).toBe('live')
    }
  })
})

describe('freshness', () => {
  it('S15: requireFresh depends on the time of the last sign-in, and on nothing else', async () => {
    const { sessions, pass } = setUp({ lifetime: { rotate: 60 } })
    const visitor = createVisitor(sessions)
    const isFresh = async (seconds: number): Promise<boolean> => {
      let fresh = true
      await visitor.visit((session) => {
        try {
          session.requireFresh(seconds)
        } catch (error) {
          expect(error).toMatchObject({ code: 'not-fresh' })
          fresh = false
        }
      })
      return fresh
    }
    expect(await isFresh(Infinity)).toBe(false)
    await visitor.visit(increment)
    expect(await isFresh(Infinity)).toBe(false)
    await visitor.visit(signIn)
    expect(await isFresh(300)).toBe(true)
    pass(300_000)
    expect(await isFresh(300)).toBe(true)
    pass(1)
    expect(await isFresh(300)).toBe(false)
    await visitor.visit(increment)
    expect(await isFresh(300)).toBe(false)
    await visitor.visit((session) => session.renew({ reauthenticated: true }))
    expect(await isFresh(300)).toBe(true)
  })

  it.each([Number.NaN, -1, undefined])('S15: requireFresh(%s) fails closed', async (seconds) => {
    const { sessions } = setUp()
    const visitor = createVisitor(sessions)
    await visitor.visit(signIn)
    const act = (session: Session<Data>): void => session.requireFresh(seconds as number)
    await expect(visitor.visit(act)).rejects.toThrow(TypeError)
  })
})

describeOnAll('partial sessions', (backend) => {
  it('S45, T3: a flush between load and save leaves nothing in the store, and the session gone', async () => {
    const sessions = createSessions<Data>({
      store: backend.store,
      secrets,
      testing: { now: backend.now },
    })
    const visitor = createVisitor(sessions)
    await visitor.visit(({ data }) => void Object.assign(data, { mfa: true, role: 'user' }))
    const { session, commit } = await sessions.open(visitor.cookie)
    session.data['theme'] = 'dark'
    await backend.flush()
    expect(await commit()).toMatchObject({ outcome: 'gone', cookie: null })
    expect(await backend.size()).toBe(0)
    expect((await visitor.visit(() => {})).state).toBe('new')
  })
})
