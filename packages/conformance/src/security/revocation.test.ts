import { createSessions } from '@coatcheck/core'
import type { Session, Sessions, SessionsOptions } from '@coatcheck/core'
import { expect, it } from 'vitest'
import { describeOnAll } from '../backends.ts'
import type { Backend } from '../backends.ts'
import { createVisitor } from '../visitor.ts'
import type { Visitor } from '../visitor.ts'
import { interrupted, through } from './stores.ts'
import type { Command } from './stores.ts'

type Data = Record<string, unknown>
type Options = Partial<SessionsOptions<Data>>

const oldSecret = 'the old secret, thirty-two bytes long'
const newSecret = 'the new secret, thirty-two bytes long'

const setUp = (backend: Backend, options: Options = {}): Sessions<Data> =>
  createSessions<Data>({
    store: backend.store,
    secrets: [oldSecret],
    ...options,
    testing: { now: backend.now, wait: async () => {}, ...options.testing },
  })

const signIn =
  (subject: string, label: string | null = null) =>
  (session: Session<Data>): void => {
    session.signIn(subject, { label })
    session.data['user'] = subject
  }

async function signedIn(
  sessions: Sessions<Data>,
  subject: string,
  label: string | null = null,
): Promise<Visitor> {
  const visitor = createVisitor(sessions)
  await visitor.visit(signIn(subject, label))
  return visitor
}

async function isLive(visitor: Visitor, sessions?: Sessions<Data>): Promise<boolean> {
  const { cookie } = visitor
  const seen = await (sessions ? createVisitor(sessions, cookie) : visitor).visit(() => {})
  return seen.state === 'live'
}

let subjects = 0
const newSubject = (): string => `user-${++subjects}-${Date.now()}`

type Act = (session: Session<Data>) => void
type Race = [what: string, before: Command['operation'], options: Options, act: Act]

const rotating: Options = { lifetime: { rotate: 60 } }
const renew: Act = (session) => session.renew()
const signInAgain: Act = (session) => session.renew({ reauthenticated: true })
const change: Act = (session) => void (session.data['late'] = 1)
const nothing: Act = () => {}

describeOnAll('revoking', (backend) => {
  it('S11, S14: ends 100 sessions of a subject at once, and no other session', async () => {
    const sessions = setUp(backend)
    const [subject, other] = [newSubject(), newSubject()]
    const visitors: Visitor[] = []
    for (let n = 0; n < 100; n++) visitors.push(await signedIn(sessions, subject))
    const bystander = await signedIn(sessions, other)
    const anonymous = createVisitor(sessions)
    await anonymous.visit(({ data }) => void (data['cart'] = [1]))
    expect(await Promise.all(visitors.map((each) => isLive(each)))).not.toContain(false)
    expect(await sessions.revoke(subject)).toBe('revoked')
    expect(await Promise.all(visitors.map((each) => isLive(each)))).not.toContain(true)
    expect(await isLive(bystander)).toBe(true)
    expect(await isLive(anonymous)).toBe(true)
    expect(await sessions.list(subject)).toEqual([])
    expect(await sessions.revoke(subject)).toBe('gone')
  })

  it('S11: is seen by three nodes at their next read, also by one that has just read', async () => {
    const nodes = [setUp(backend), setUp(backend, { store: backend.another() })]
    nodes.push(setUp(backend, { store: backend.another() }))
    const subject = newSubject()
    const visitor = await signedIn(nodes[0] as Sessions<Data>, subject)
    for (const node of nodes) expect(await isLive(visitor, node)).toBe(true)
    await (nodes[2] as Sessions<Data>).revoke(subject)
    for (const node of nodes) expect(await isLive(visitor, node)).toBe(false)
  })

  it('S12: except spares only the session that asks', async () => {
    const sessions = setUp(backend)
    const subject = newSubject()
    const [mine, ...others] = [
      await signedIn(sessions, subject),
      await signedIn(sessions, subject),
      await signedIn(sessions, subject),
    ] as [Visitor, ...Visitor[]]
    await mine.visit(async (session) => {
      expect(await sessions.revoke(subject, { except: session })).toBe('revoked')
    })
    expect(await isLive(mine)).toBe(true)
    for (const other of others) expect(await isLive(other)).toBe(false)
    expect(await sessions.list(subject)).toHaveLength(1)
  })

  it('S12: except refuses a session that is not in any list, instead of sparing none or all', async () => {
    const sessions = setUp(backend)
    const subject = newSubject()
    const visitor = await signedIn(sessions, subject)
    await createVisitor(sessions).visit(async (session) => {
      await expect(sessions.revoke(subject, { except: session })).rejects.toThrow(TypeError)
    })
    expect(await isLive(visitor)).toBe(true)
  })

  it('S16: a list shows refs and what the app keeps, never a token or a store key', async () => {
    const sessions = setUp(backend)
    const subject = newSubject()
    const visitor = await signedIn(sessions, subject, 'Firefox on Linux')
    await signedIn(sessions, subject)
    const list = await sessions.list(subject)
    expect(list.map(({ label }) => label)).toEqual(['Firefox on Linux', null])
    const text = JSON.stringify(list)
    expect(text).not.toContain(visitor.cookie.split('=')[1])
    await visitor.visit((session) => expect(text).not.toContain(session.id))
    for (const { ref, createdAt, renewedAt } of list) {
      expect(ref).toMatch(/^[\w-]{16}$/)
      expect(Math.abs(createdAt.getTime() - backend.now())).toBeLessThan(60_000)
      expect(renewedAt).toEqual(createdAt)
    }
  })

  it('S16: a session keeps ref and label in the list when its token rotates, or is renewed', async () => {
    let ahead = 0
    const sessions = setUp(backend, {
      ...rotating,
      testing: { now: () => backend.now() + ahead },
    })
    const subject = newSubject()
    const visitor = await signedIn(sessions, subject, 'Firefox')
    const [before] = await sessions.list(subject)
    for (const act of [nothing, renew]) {
      ahead += 61_000
      expect((await visitor.visit(act)).setCookies).toHaveLength(1)
      const [after] = await sessions.list(subject)
      expect(after).toMatchObject({ ref: before?.ref, label: 'Firefox' })
    }
    await visitor.visit(signIn(subject, 'Chromium'))
    const list = await sessions.list(subject)
    expect(list).toMatchObject([{ label: 'Chromium' }])
    expect(list[0]?.ref).not.toBe(before?.ref)
  })

  it('S16: ends one session by its ref; another subject cannot use that ref', async () => {
    const sessions = setUp(backend)
    const [subject, thief] = [newSubject(), newSubject()]
    const [kept, ended] = [
      await signedIn(sessions, subject, 'kept'),
      await signedIn(sessions, subject, 'ended'),
    ]
    await signedIn(sessions, thief)
    const list = await sessions.list(subject)
    const ref = list.find(({ label }) => label === 'ended')?.ref as string
    expect(await sessions.end(thief, ref)).toBe('gone')
    expect(await isLive(ended)).toBe(true)
    expect(await sessions.end(subject, ref)).toBe('revoked')
    expect(await isLive(ended)).toBe(false)
    expect(await isLive(kept)).toBe(true)
    expect(await sessions.end(subject, ref)).toBe('gone')
  })

  it('S2: 20 logins at once with a limit of 5 leave exactly 5 sessions', async () => {
    let ticks = 0
    const now = (): number => backend.now() + ticks++
    const sessions = setUp(backend, { sessionsPerSubject: 5, testing: { now } })
    const subject = newSubject()
    const visitors = await Promise.all(
      Array.from({ length: 20 }, () => signedIn(sessions, subject).catch(() => null)),
    )
    const live = await Promise.all(
      visitors.map((each) => (each?.cookie ? isLive(each) : Promise.resolve(false))),
    )
    expect(live.filter(Boolean).length).toBeLessThanOrEqual(5)
    const more: Visitor[] = []
    for (let n = 0; n < 6; n++) more.push(await signedIn(sessions, subject))
    const latest = await Promise.all(more.map((each) => isLive(each)))
    expect(latest).toEqual([false, true, true, true, true, true])
    expect(await sessions.list(subject)).toHaveLength(5)
  })

  it('S11: fails closed when the store has evicted the list', async () => {
    const seen = new Set<string>()
    const store = through(
      backend.store,
      ({ operation, id }) => void (operation === 'create' && seen.add(id)),
    )
    const sessions = setUp(backend, { store })
    const visitor = await signedIn(sessions, newSubject())
    let id: string | null = null
    await visitor.visit((session) => void ({ id } = session))
    const [listId] = [...seen].filter((each) => each !== id)
    await backend.evict(listId as string)
    expect(await isLive(visitor)).toBe(false)
    expect(await isLive(visitor, setUp(backend))).toBe(false)
  })

  it('T2: a list that cannot be reached is an outage, not a logout', async () => {
    const ids: string[] = []
    const store = through(backend.store, ({ operation, id }) => {
      if (operation === 'create') ids.push(id)
      if (operation === 'load' && broken && id === ids[0]) throw new Error('connection refused')
    })
    let broken = false
    const sessions = setUp(backend, { store })
    const visitor = await signedIn(sessions, newSubject())
    broken = true
    const answer = await visitor.visit(() => {})
    expect(answer).toMatchObject({ state: 'unavailable', data: {}, setCookies: [] })
    await expect(sessions.list('another-user')).resolves.toEqual([])
    broken = false
    expect(await isLive(visitor)).toBe(true)
  })

  it('S11: a login after the revocation is a new session, and does not bring the others back', async () => {
    const sessions = setUp(backend)
    const subject = newSubject()
    const before = await signedIn(sessions, subject)
    await sessions.revoke(subject)
    const after = await signedIn(sessions, subject)
    expect(await isLive(after)).toBe(true)
    expect(await isLive(before)).toBe(false)
  })

  it('S14: removing all secrets ends all sessions, on every node with the new configuration', async () => {
    const subject = newSubject()
    const visitor = await signedIn(setUp(backend), subject)
    expect(await isLive(visitor, setUp(backend, { store: backend.another() }))).toBe(true)
    expect(await isLive(visitor, setUp(backend, { secrets: [newSecret] }))).toBe(false)
  })

  it('S11, S41: revokes sessions from before the secrets were rotated', async () => {
    const subject = newSubject()
    const before = await signedIn(setUp(backend), subject)
    const rotated = setUp(backend, { secrets: [newSecret, oldSecret] })
    const after = await signedIn(rotated, subject)
    expect(await rotated.list(subject)).toHaveLength(2)
    expect([await isLive(before, rotated), await isLive(after, rotated)]).toEqual([true, true])
    expect(await rotated.revoke(subject)).toBe('revoked')
    expect([await isLive(before, rotated), await isLive(after, rotated)]).toEqual([false, false])
  })

  it('S11, S41: no session lives on that revoke cannot end, once the old secret is gone', async () => {
    const subject = newSubject()
    const visitor = await signedIn(setUp(backend), subject)
    const rotated = setUp(backend, { secrets: [newSecret, oldSecret] })
    const moved = createVisitor(rotated, visitor.cookie)
    await moved.visit((session) => session.renew())
    expect(await isLive(moved, rotated)).toBe(true)
    const last = setUp(backend, { secrets: [newSecret] })
    await last.revoke(subject)
    expect(await isLive(moved, last)).toBe(false)
  })
})

const races: readonly Race[] = [
  ['saves', 'save', {}, change],
  ['renews, before the new record', 'create', {}, renew],
  ['renews, before the mark', 'save', {}, renew],
  ['signs in again, before the new record', 'create', {}, signInAgain],
  ['signs in again, before the mark', 'save', {}, signInAgain],
  ['rotates, before it holds the record', 'save', rotating, nothing],
  ['rotates, before the new record', 'create', rotating, nothing],
  ['saves and rotates, before the new record', 'create', rotating, change],
]

describeOnAll('revoking while something else is under way', (backend) => {
  /** A signed-in session that is a minute old, and a request of it that `meanwhile` overtakes. */
  async function race(
    [, before, options, act]: Race,
    meanwhile: (sessions: Sessions<Data>, subject: string) => Promise<unknown>,
  ): Promise<{ sessions: Sessions<Data>; subject: string; tokens: readonly Visitor[] }> {
    const subject = newSubject()
    let ahead = 0
    const now = (): number => backend.now() + ahead
    const sessions = setUp(backend, { ...options, testing: { now } })
    const visitor = await signedIn(sessions, subject)
    ahead = 61_000
    const isNext = ({ operation }: Command): boolean => operation === before
    let overtaken = false
    const store = interrupted(backend.store, isNext, async () => {
      await meanwhile(sessions, subject)
      overtaken = true
    })
    const slow = createVisitor(
      setUp(backend, { ...options, testing: { now }, store }),
      visitor.cookie,
    )
    await slow.visit(act)
    expect(overtaken).toBe(true)
    return { sessions, subject, tokens: [visitor, slow].filter(({ cookie }) => cookie !== '') }
  }

  it.each(races)('S11, CVE-2025-46336: a revoked session that %s stays dead', async (...row) => {
    const { sessions, subject, tokens } = await race(row, (all, who) => all.revoke(who))
    for (const each of tokens) expect(await isLive(each, sessions)).toBe(false)
    expect(await sessions.list(subject)).toEqual([])
  })

  it.each(races)(
    'S16, CVE-2025-46336: a session ended by its ref that %s stays dead',
    async (...row) => {
      const { sessions, subject, tokens } = await race(row, async (all, who) => {
        await signedIn(all, who)
        const [first] = await all.list(who)
        expect(await all.end(who, first?.ref as string)).toBe('revoked')
      })
      for (const each of tokens) expect(await isLive(each, sessions)).toBe(false)
      expect(await sessions.list(subject)).toHaveLength(1)
    },
  )
})
