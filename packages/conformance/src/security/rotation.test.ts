import { createSessions, sum } from '@coatcheck/core'
import type { Committed, Session, SessionEvent, Sessions, SessionStore } from '@coatcheck/core'
import { describe, expect, it } from 'vitest'
import { describeOnAll } from '../backends.ts'
import type { Backend } from '../backends.ts'
import { createVisitor, increment } from '../visitor.ts'
import type { Visitor } from '../visitor.ts'
import { interrupted, through, withLateSave } from './stores.ts'
import type { Command } from './stores.ts'

type Data = Record<string, unknown>
type Act = (session: Session<Data>) => void

const secrets = ['a secret of thirty-two bytes, or so']
const nothing: Act = () => {}
const renew: Act = (session) => session.renew()
const destroy: Act = (session) => session.destroy()
const put =
  (key: string): Act =>
  ({ data }) =>
    void (data[key] = true)

/** Sessions whose tokens rotate every minute, and a clock that can be put forward on any store. */
function setUp(backend: Backend): {
  readonly sessions: Sessions<Data>
  readonly events: SessionEvent[]
  readonly over: (store: SessionStore) => Sessions<Data>
  readonly pass: (seconds: number) => void
} {
  let ahead = 0
  const now = (): number => backend.now() + ahead
  const events: SessionEvent[] = []
  const over = (store: SessionStore): Sessions<Data> =>
    createSessions<Data>({
      store,
      secrets,
      lifetime: { rotate: 60 },
      merge: { counter: sum },
      testing: { now },
      onEvent: (event) => events.push(event),
    })
  return {
    sessions: over(backend.store),
    events,
    over,
    pass: (seconds) => void (ahead += seconds * 1000),
  }
}

/** A session with a token that is due. */
async function dueSession(
  backend: Backend,
): Promise<ReturnType<typeof setUp> & { visitor: Visitor }> {
  const setting = setUp(backend)
  const visitor = createVisitor(setting.sessions)
  await visitor.visit(increment)
  setting.pass(61)
  return { ...setting, visitor }
}

/** Looks, and commits nothing: a token that is due stays as it is. */
async function see(
  sessions: Sessions<Data>,
  cookie: string,
): Promise<{ state: string; data: Data }> {
  const { session } = await sessions.open(cookie)
  return { state: session.state, data: { ...session.data } }
}

async function open(
  sessions: Sessions<Data>,
  cookie: string,
  act: Act,
): Promise<() => Promise<Committed>> {
  const { session, commit } = await sessions.open(cookie)
  act(session)
  return commit
}

function cookieOf({ cookie }: Committed): string | null {
  return cookie && `${cookie.name}=${cookie.value}`
}

describeOnAll('rotation', (backend) => {
  it('S58, rule 5: gives the session a new token when its time has come, and not before', async () => {
    const { sessions, pass } = setUp(backend)
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const first = visitor.cookie
    pass(59)
    expect((await visitor.visit(nothing)).setCookies).toEqual([])
    pass(2)
    const answer = await visitor.visit(nothing)
    expect(answer).toMatchObject({ state: 'live', data: { counter: 1 } })
    expect(answer.setCookies).toHaveLength(1)
    expect(visitor.cookie).not.toBe(first)
    expect((await visitor.visit(increment)).data).toEqual({ counter: 2 })
  })

  it('S58, T4: the old token leads to the session for 15 seconds, and to nothing after that', async () => {
    const { sessions, pass, visitor } = await dueSession(backend)
    const old = visitor.cookie
    await visitor.visit(nothing)
    for (const seconds of [0, 14.9]) {
      pass(seconds)
      expect(await see(sessions, old)).toMatchObject({ state: 'live', data: { counter: 1 } })
    }
    pass(0.2)
    expect(await see(sessions, old)).toMatchObject({ state: 'new', data: {} })
    expect(await see(sessions, visitor.cookie)).toMatchObject({ state: 'live' })
  })

  it('rule 5: asking again and again with the old token does not make it last', async () => {
    const { sessions, pass, visitor } = await dueSession(backend)
    const old = visitor.cookie
    await visitor.visit(nothing)
    for (let n = 0; n < 20; n++) {
      pass(1)
      await createVisitor(sessions, old).visit(increment)
    }
    expect((await see(sessions, old)).state).toBe('new')
  })

  it('S58, S70, rule 4: B8: a follower is told the new token until that was used, and nothing after', async () => {
    const { sessions, events, visitor } = await dueSession(backend)
    const old = visitor.cookie
    await visitor.visit(nothing)
    for (const act of [nothing, increment, put('late')]) {
      const follower = createVisitor(sessions, old)
      expect((await follower.visit(act)).setCookies).toHaveLength(1)
      expect(follower.cookie).toBe(visitor.cookie)
    }
    expect(events.map(({ type }) => type)).not.toContain('token.reused')
    await visitor.visit(nothing)
    for (const act of [nothing, increment, put('later')]) {
      const follower = createVisitor(sessions, old)
      expect(await follower.visit(act)).toMatchObject({ state: 'live', setCookies: [] })
    }
    const reused = events.filter(({ type }) => type === 'token.reused')
    expect(reused).toHaveLength(3)
    expect((await see(sessions, visitor.cookie)).data).toMatchObject({ counter: 3, late: true })
  })

  it('rule 4: B8: an answer that is lost signs no one out, however often', async () => {
    const { sessions, pass, visitor } = await dueSession(backend)
    let { cookie } = visitor
    for (let round = 0; round < 3; round++) {
      // The answer never arrives: the browser asks again with what it has.
      await createVisitor(sessions, cookie).visit(increment)
      pass(14)
      const again = createVisitor(sessions, cookie)
      expect((await again.visit(increment)).state).toBe('live')
      expect(again.cookie).not.toBe(cookie)
      ;({ cookie } = again)
      pass(47)
    }
    expect((await see(sessions, cookie)).data).toEqual({ counter: 7 })
  })

  it('rule 5: a save under the old token after the rotation lands in the session', async () => {
    const { sessions, visitor } = await dueSession(backend)
    const slow = await open(sessions, visitor.cookie, put('loaded before'))
    const old = visitor.cookie
    await visitor.visit(put('rotated with'))
    expect(visitor.cookie).not.toBe(old)
    expect(cookieOf(await slow())).toBeNull()
    await createVisitor(sessions, old).visit(put('loaded after'))
    expect((await see(sessions, visitor.cookie)).data).toEqual({
      counter: 1,
      'loaded before': true,
      'rotated with': true,
      'loaded after': true,
    })
  })

  it('rule 5, T5: of 32 rotations at once one wins; all are answered, and nothing is lost', async () => {
    for (const processes of [1, 4]) {
      const { over, visitor } = await dueSession(backend)
      const nodes = Array.from({ length: processes }, () => over(backend.another()))
      const commits = await Promise.all(
        Array.from({ length: 32 }, (_, n) =>
          open(nodes[n % processes] as Sessions<Data>, visitor.cookie, put(`key ${n}`)),
        ),
      )
      const done = await Promise.all(commits.map((commit) => commit()))
      const cookies = done.map(cookieOf).filter((each) => each !== null)
      expect(new Set(cookies).size).toBe(1)
      // Requests of one process share the move, and each of them may tell the new token.
      const expected = processes === 1 ? ['rotated'] : ['rotated', 'saved']
      expect(new Set(done.map(({ outcome }) => outcome))).toEqual(new Set(expected))
      const { state, data } = await see(nodes[0] as Sessions<Data>, cookies[0] as string)
      expect([state, Object.keys(data).length]).toEqual(['live', 33])
      expect(await see(nodes[0] as Sessions<Data>, visitor.cookie)).toMatchObject({ state: 'live' })
    }
  })

  it('T4: eight parallel requests of a page, none of which changes anything, stay signed in', async () => {
    const { sessions, visitor } = await dueSession(backend)
    const old = visitor.cookie
    const tabs = Array.from({ length: 8 }, () => createVisitor(sessions, old))
    const answers = await Promise.all(tabs.map((tab) => tab.visit(nothing)))
    expect(answers.map(({ state }) => state)).toEqual(Array(8).fill('live'))
    expect(new Set(answers.flatMap(({ setCookies }) => setCookies)).size).toBe(1)
    const winner = tabs.find(({ cookie }) => cookie !== old)
    expect((await see(sessions, winner?.cookie as string)).state).toBe('live')
  })

  it('rule 5: a forward is followed once, so an old token does not live on through later rotations', async () => {
    const { sessions, pass, visitor } = await dueSession(backend)
    const oldest = visitor.cookie
    await visitor.visit(nothing)
    const middle = visitor.cookie
    pass(14)
    expect((await see(sessions, oldest)).state).toBe('live')
    pass(47)
    await visitor.visit(nothing)
    expect(visitor.cookie).not.toBe(middle)
    expect((await see(sessions, oldest)).state).toBe('new')
    expect((await see(sessions, middle)).state).toBe('live')
  })
})

describeOnAll('a logout beside a rotation', (backend) => {
  const ways = ['the old token', 'the new token'] as const

  it.each(ways)('S10, T4: after the rotation, through %s, leaves nothing alive', async (way) => {
    for (const end of ['session.destroy', 'sessions.destroy'] as const) {
      const { sessions, visitor } = await dueSession(backend)
      const old = visitor.cookie
      await visitor.visit(nothing)
      const cookie = way === 'the old token' ? old : visitor.cookie
      const { outcome } =
        end === 'sessions.destroy'
          ? await sessions.destroy(cookie)
          : await (
              await open(sessions, cookie, destroy)
            )()
      expect(outcome).toBe('destroyed')
      for (const each of [old, visitor.cookie])
        expect((await see(sessions, each)).state).toBe('new')
    }
  })

  it('S10, CVE-2025-46336: loaded before the rotation and carried out after it, leaves nothing alive', async () => {
    const { sessions, visitor } = await dueSession(backend)
    const old = visitor.cookie
    const logout = await open(sessions, old, destroy)
    await visitor.visit(nothing)
    expect(visitor.cookie).not.toBe(old)
    expect((await logout()).outcome).toBe('destroyed')
    for (const each of [old, visitor.cookie]) expect((await see(sessions, each)).state).toBe('new')
  })

  it.each(['create', 'save'] as const)(
    'S10, CVE-2025-46336: in the middle of the rotation, before its %s, leaves nothing alive',
    async (operation) => {
      const { sessions, over, visitor } = await dueSession(backend)
      const old = visitor.cookie
      const slow = over(
        interrupted(
          backend.store,
          (command) => command.operation === operation,
          async () =>
            expect((await (await open(sessions, old, destroy))()).outcome).toBe('destroyed'),
        ),
      )
      const done = await (await open(slow, old, put('late')))()
      expect(done).toMatchObject({ outcome: 'gone', cookie: null })
      expect((await see(sessions, old)).state).toBe('new')
    },
  )

  it('CVE-2021-34428: a listener that throws during the logout does not keep the session alive', async () => {
    const sessions = createSessions<Data>({
      store: backend.store,
      secrets,
      testing: { now: backend.now },
      onEvent: () => {
        throw new Error('the logger is broken')
      },
    })
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    const { cookie } = visitor
    await visitor.visit(destroy)
    expect((await see(sessions, cookie)).state).toBe('new')
  })
})

/** What becomes of a command: lost on the way, or carried out with its reply lost; all later ones too. */
type Fate = 'lost' | 'lose reply' | 'crash'

function failing(store: SessionStore, nth: number, fate: Fate): SessionStore {
  let writes = 0
  return through(store, ({ operation }: Command) => {
    if (operation !== 'load') writes++
    const isDown = fate === 'crash' && writes > nth
    if (isDown || (writes === nth && operation !== 'load' && fate === 'lost'))
      throw new Error('refused')
    return writes === nth && operation !== 'load' && fate === 'lose reply' ? fate : undefined
  })
}

describeOnAll('a rotation with faults', (backend) => {
  it('S88: a forward that arrives late is the rotation after all, and its change is there once', async () => {
    const { sessions, over, pass, visitor } = await dueSession(backend)
    // The first save holds the record; the second is the forward.
    const late = withLateSave(backend.store, 2)
    const done = await (await open(over(late), visitor.cookie, increment))()
    expect(done.outcome).toBe('rotated')
    const issued = cookieOf(done) ?? ''
    for (const cookie of [issued, visitor.cookie]) {
      expect(await see(sessions, cookie)).toMatchObject({ state: 'live', data: { counter: 2 } })
    }
    pass(16)
    expect((await see(sessions, issued)).state).toBe('live')
    expect((await see(sessions, visitor.cookie)).state).toBe('new')
  })

  it('S88: a session that comes of age while a lost save is settled may have had the change', async () => {
    const { sessions, over, pass } = setUp(backend)
    const visitor = createVisitor(sessions)
    await visitor.visit(increment)
    let loads = 0
    const late = withLateSave(backend.store)
    const aging = through(late, ({ operation }) => {
      if (operation === 'load' && ++loads === 2) pass(86_400)
    })
    const commit = await open(over(aging), visitor.cookie, put('late'))
    expect((await commit()).outcome).toBe('unavailable')
  })

  it.each<[fate: Fate, nth: number]>([
    ['lost', 1],
    ['lost', 2],
    ['lose reply', 1],
    ['lose reply', 2],
  ])(
    'S88, rule 5: a write that is %s, the %ith, ends no session and makes no second token',
    async (fate, nth) => {
      const { sessions, over, pass, visitor } = await dueSession(backend)
      const old = visitor.cookie
      const unlucky = over(failing(backend.store, nth, fate))
      const done = await (await open(unlucky, old, put('late')))()
      const issued = cookieOf(done)
      expect((await see(sessions, old)).state).toBe('live')
      if (issued !== null) {
        expect(await see(sessions, issued)).toMatchObject({ state: 'live', data: { late: true } })
        pass(16)
        expect((await see(sessions, old)).state).toBe('new')
      } else {
        pass(16)
        const next = createVisitor(sessions, old)
        expect((await next.visit(nothing)).state).toBe('live')
        expect(next.cookie).not.toBe(old)
      }
    },
  )

  it.each([1, 2, 3])(
    'T6: a crash after write %i of a renewal leaves one live token at most',
    async (nth) => {
      const { sessions, over, visitor } = await dueSession(backend)
      const { cookie: old } = visitor
      const created: string[] = []
      const store = through(failing(backend.store, nth, 'crash'), ({ operation, id }) => {
        if (operation === 'create') created.push(id)
      })
      const done = await (await open(over(store), old, renew))()
      const live = [old, cookieOf(done)].filter((each) => each !== null)
      const states = await Promise.all(live.map(async (each) => (await see(sessions, each)).state))
      expect(created).toHaveLength(1)
      expect(states.filter((state) => state === 'live')).toHaveLength(1)
    },
  )
})

describeOnAll('renewal', (backend) => {
  it('S7, CVE-2023-29019, CVE-2022-25896: the token from before is dead at once, on every node', async () => {
    const { sessions, over, visitor } = await dueSession(backend)
    const before = visitor.cookie
    await visitor.visit((session) => {
      session.data['user'] = 'u1'
      session.renew()
    })
    const elsewhere = over(backend.another())
    for (const node of [sessions, elsewhere]) {
      expect(await see(node, before)).toMatchObject({ state: 'new', data: {} })
      expect(await see(node, visitor.cookie)).toMatchObject({ data: { counter: 1, user: 'u1' } })
    }
  })

  it('S7, S46: signing in gives a new token, also for the same subject', async () => {
    const { sessions, visitor } = await dueSession(backend)
    const before = visitor.cookie
    await visitor.visit((session) => session.signIn('user-1'))
    expect(visitor.cookie).not.toBe(before)
    expect((await see(sessions, before)).state).toBe('new')
    const during = visitor.cookie
    await visitor.visit((session) => session.signIn('user-1'))
    expect(visitor.cookie).not.toBe(during)
    expect((await see(sessions, during)).state).toBe('new')
    expect((await see(sessions, visitor.cookie)).state).toBe('live')
  })

  it('S7: a request under way with the old token ends as moved, and sets no cookie', async () => {
    const { sessions, visitor } = await dueSession(backend)
    const slow = await open(sessions, visitor.cookie, put('late'))
    await visitor.visit(renew)
    const failure = { outcome: 'moved', asked: 'change' }
    expect(await slow()).toMatchObject({ outcome: 'moved', failure, cookie: null })
    expect((await see(sessions, visitor.cookie)).data).toEqual({ counter: 1 })
  })

  it('S7: a fixated token learns nothing of the account: no forward is left', async () => {
    const { sessions, visitor, pass } = await dueSession(backend)
    await visitor.visit(nothing)
    const known = visitor.cookie
    pass(1)
    await visitor.visit((session) => {
      session.renew()
      session.data['user'] = 'victim'
    })
    for (let n = 0; n < 5; n++)
      expect(await see(sessions, known)).toMatchObject({ state: 'new', data: {} })
  })

  it('S7: of 32 renewals at once one wins, and one token is alive at the end', async () => {
    const { sessions, visitor } = await dueSession(backend)
    const commits = await Promise.all(
      Array.from({ length: 32 }, () => open(sessions, visitor.cookie, renew)),
    )
    const done = await Promise.all(commits.map((commit) => commit()))
    const cookies = done.map(cookieOf).filter((each) => each !== null)
    const states = await Promise.all(
      [visitor.cookie, ...cookies].map((each) => see(sessions, each)),
    )
    expect(states.filter(({ state }) => state === 'live')).toHaveLength(1)
    expect(new Set(done.map(({ outcome }) => outcome))).toEqual(new Set(['renewed', 'moved']))
  })
})

describe('many schedules', () => {
  it('S7, S10: 300 mixtures of saves, renewals, rotations and a logout leave nothing alive', async () => {
    const { memoryStore } = await import('@coatcheck/core/memory')
    const seen: string[] = []
    let seed = 1
    const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    for (let run = 0; run < 300; run++) {
      let clock = 1_800_000_000_000
      const now = (): number => clock
      const slow = through(memoryStore({ now }), async () => {
        for (let turns = next(6); turns > 0; turns--) await new Promise(setImmediate)
      })
      const sessions = createSessions<Data>({
        store: slow,
        secrets,
        lifetime: { rotate: 60 },
        testing: { now, wait: () => new Promise(setImmediate) },
      })
      const visitor = createVisitor(sessions)
      await visitor.visit(increment)
      clock += 61_000
      const cookies = [visitor.cookie]
      const outcomes: string[] = []
      const acts = [put('a'), renew, nothing, put('b'), nothing]
      await Promise.all(
        [...acts, destroy].map(async (act, at) => {
          for (let turns = next(12); turns > 0; turns--) await new Promise(setImmediate)
          const done = await (await open(sessions, visitor.cookie, act))()
          outcomes[at] = done.outcome
          const cookie = cookieOf(done)
          if (cookie !== null && done.outcome !== 'created') cookies.push(cookie)
        }),
      )
      const states = await Promise.all(
        cookies.map(async (each) => (await see(sessions, each)).state),
      )
      const live = states.filter((state) => state === 'live').length
      seen.push(...outcomes)
      const ended = outcomes[acts.length] === 'destroyed'
      if (live > 1 || (ended && live > 0))
        throw new Error(`run ${run}: ${outcomes.join()} ${states.join()}`)
    }
    // The schedules were different enough to reach these outcomes.
    for (const outcome of ['saved', 'renewed', 'rotated', 'gone', 'destroyed']) {
      expect(seen.filter((each) => each === outcome).length).toBeGreaterThan(10)
    }
  })
})
