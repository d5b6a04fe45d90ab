import { createSessions } from '@coatcheck/core'
import type { Committed, Session, Sessions, SessionsOptions } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'

type Data = Record<string, unknown>

const secrets = ['a secret of thirty-two bytes, or so']
const lifetime = { idle: 1000, absolute: 10_000, persistent: { absolute: 100_000 } }
let apps = 0

/** Time is the test's own: what the store is asked for is seen in `expiries`. */
function setUp({ another }: Backend, more: Partial<SessionsOptions<Data>> = {}) {
  const store = another()
  const clock = { ahead: 0 }
  const now = (): number => Date.now() + clock.ahead * 1000
  const expiries: (number | undefined)[] = []
  let commands = 0
  const options: SessionsOptions<Data> = {
    store: {
      load(id, expiresAt) {
        commands++
        if (expiresAt !== undefined) expiries.push(expiresAt)
        return store.load(id, expiresAt)
      },
      create: (id, bytes, expiresAt) => (
        expiries.push(expiresAt),
        store.create(id, bytes, expiresAt)
      ),
      save: (id, bytes, expiresAt, version) => (
        expiries.push(expiresAt),
        store.save(id, bytes, expiresAt, version)
      ),
      delete: (...args) => store.delete(...args),
    },
    secrets,
    namespace: `remembered-${apps++}`,
    lifetime,
    testing: { now },
    ...more,
  }
  return {
    sessions: createSessions<Data>(options),
    /** Another process, which has not met the session. */
    process: () => createSessions<Data>(options),
    pass: (seconds: number) => void (clock.ahead += seconds),
    /** In how many seconds the store may forget what was touched or written last. */
    left: () => Math.round(((expiries.splice(0).at(-1) ?? 0) - now()) / 1000),
    commands: () => commands,
  }
}

const cookieOf = ({ cookie }: Committed): string => `${cookie?.name}=${cookie?.value}`

async function visit(
  sessions: Sessions<Data>,
  cookie: string | null,
  act: (session: Session<Data>) => unknown = () => {},
): Promise<Committed & { readonly session: Session<Data> }> {
  const { session, commit } = await sessions.open(cookie)
  await act(session)
  return { ...(await commit()), session }
}

const signIn = (sessions: Sessions<Data>, persist: boolean, cookie: string | null = null) =>
  visit(sessions, cookie, (session) => session.signIn('ada', { persist }))

describeOnAll('a sign-in that asks to be remembered', (backend) => {
  it('sets a cookie that stays, and one that does not ask sets one that goes', async () => {
    const { sessions } = setUp(backend)
    const [kept, short] = [await signIn(sessions, true), await signIn(sessions, false)]
    expect([kept.cookie?.maxAge, short.cookie?.maxAge]).toEqual([100_000, undefined])
    expect(kept.cookie?.header).toContain('; Max-Age=100000')
    const states = [kept, short].map(async (one) => {
      const { session } = await sessions.open(cookieOf(one))
      return session.isPersistent
    })
    expect(await Promise.all(states)).toEqual([true, false])
    expect((await sessions.list('ada')).map(({ isPersistent }) => isPersistent)).toEqual([
      true,
      false,
    ])
  })

  it('has its own idle end: at creation, in a load, and in a save, in every process', async () => {
    const { sessions, process, left } = setUp(backend)
    for (const [persist, idle] of [
      [true, 100_000],
      [false, 1000],
    ] as const) {
      const cookie = cookieOf(await signIn(sessions, persist))
      expect(left()).toBe(idle)
      for (const each of [sessions, process(), process()]) {
        await visit(each, cookie)
        expect(left()).toBe(idle)
        await visit(each, cookie)
        expect(left()).toBe(idle)
        await visit(each, cookie, ({ data }) => (data['n'] = ((data['n'] as number) ?? 0) + 1))
        expect(left()).toBe(idle)
      }
    }
  })

  it('costs a load more where a process meets a session for the first time, and none after', async () => {
    const { sessions, process, commands } = setUp(backend)
    const cookie = cookieOf(await visit(sessions, null, ({ data }) => (data['n'] = 1)))
    const costs: number[] = []
    for (const each of [sessions, sessions, process()]) {
      for (const touch of [true, true, false]) {
        const before = commands()
        await each.open(cookie, { touch })
        costs.push(commands() - before)
      }
    }
    expect(costs).toEqual([1, 1, 1, 1, 1, 1, 2, 1, 1])
    const plain = setUp(backend, { lifetime: { idle: 1000, absolute: 10_000 } })
    const other = cookieOf(await visit(plain.sessions, null, ({ data }) => (data['n'] = 1)))
    await plain.process().open(other)
    expect(plain.commands()).toBe(1)
  })

  it('outlives the absolute end of the others, and ends at its own', async () => {
    const { sessions, pass } = setUp(backend)
    const [kept, short] = [await signIn(sessions, true), await signIn(sessions, false)]
    const subjects = async (): Promise<unknown[]> =>
      Promise.all(
        [kept, short].map(async (one) => (await sessions.open(cookieOf(one))).session.subject),
      )
    pass(900)
    expect(await subjects()).toEqual(['ada', 'ada'])
    pass(9200)
    expect(await subjects()).toEqual(['ada', null])
    expect(await sessions.list('ada')).toHaveLength(1)
    pass(90_000)
    expect(await subjects()).toEqual([null, null])
    expect(await sessions.list('ada')).toEqual([])
  })

  it('survives a save by another request, a renewal and a rotation, and its cookie stays', async () => {
    const { sessions, pass, left } = setUp(backend, { lifetime: { ...lifetime, rotate: 100 } })
    let cookie = cookieOf(await signIn(sessions, true))
    const [one, two] = [await sessions.open(cookie), await sessions.open(cookie)]
    one.session.data['a'] = 1
    two.session.data['b'] = 2
    await Promise.all([one.commit(), two.commit()])
    for (const [act, outcome, age] of [
      [(session: Session<Data>) => session.renew(), 'renewed', 100_000],
      [() => {}, 'rotated', 99_900],
      [({ data }: Session<Data>) => (data['c'] = 3), 'rotated', 99_800],
      [(session: Session<Data>) => session.renew({ reauthenticated: true }), 'renewed', 100_000],
    ] as const) {
      if (outcome === 'rotated') pass(100)
      const moved = await visit(sessions, cookie, act)
      expect(moved.outcome).toBe(outcome)
      expect(Math.abs((moved.cookie?.maxAge ?? 0) - age)).toBeLessThan(3)
      cookie = cookieOf(moved)
      const { session } = await visit(sessions, cookie)
      expect([session.isPersistent, session.subject, Math.round(left() / 1000)]).toEqual([
        true,
        'ada',
        100,
      ])
    }
    expect({ ...(await sessions.open(cookie)).session.data }).toEqual({ a: 1, b: 2, c: 3 })
  })

  it('holds until the next sign-in, which says again whether it is', async () => {
    const { sessions, left } = setUp(backend)
    const kept = await signIn(sessions, true)
    const short = await signIn(sessions, false, cookieOf(kept))
    expect(short.cookie?.maxAge).toBeUndefined()
    expect((await visit(sessions, cookieOf(short))).session.isPersistent).toBe(false)
    expect(left()).toBe(1000)
    const again = await signIn(sessions, true, cookieOf(short))
    expect(again.cookie?.maxAge).toBe(100_000)
    await visit(sessions, cookieOf(again))
    expect(left()).toBe(100_000)
  })

  it('without lifetimes of its own keeps the cookie until the absolute end', async () => {
    const { sessions, left } = setUp(backend, { lifetime: { idle: 1000, absolute: 10_000 } })
    const kept = await signIn(sessions, true)
    expect([kept.cookie?.maxAge, left()]).toEqual([10_000, 1000])
  })

  it('that is signed out is over, like any other', async () => {
    const { sessions } = setUp(backend)
    const cookie = cookieOf(await signIn(sessions, true))
    const { cookie: deletion } = await visit(sessions, cookie, (session) => session.destroy())
    expect(deletion?.maxAge).toBe(0)
    expect((await sessions.open(cookie)).session.state).toBe('new')
  })

  it('refuses what a form would give', async () => {
    const { sessions } = setUp(backend)
    const { session } = await sessions.open(null)
    const given: [() => void, string][] = [
      [() => session.signIn('ada', { persist: 'on' as never }), 'signIn: persist'],
      [() => session.signIn('ada', { deviceBound: 'off' as never }), 'signIn: deviceBound'],
      [() => session.renew({ reauthenticated: 'off' as never }), 'renew: reauthenticated'],
    ]
    for (const [ask, what] of given) expect(ask).toThrow(`session.${what} must be true or false`)
  })
})
