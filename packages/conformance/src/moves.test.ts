import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSessions, sum, union } from '@coatcheck/core'
import type { Committed, Session, Sessions, SessionStore } from '@coatcheck/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeOnAll } from './backends.ts'
import type { Backend } from './backends.ts'
import { engines } from './engines.ts'
import type { EngineServer } from './engines.ts'
import { openStore } from './open-store.ts'
import type { OpenedStore } from './open-store.ts'
import { through } from './security/stores.ts'

type Data = Record<string, unknown>
type Act = (session: Session<Data>) => void

const secrets = ['a secret that only the moves use']
const merge = { counter: sum, cart: union }

const connect = (backend: Backend, store = backend.store): Sessions<Data> =>
  createSessions<Data>({ store, secrets, merge, testing: { now: backend.now } })

const cookieOf = ({ cookie }: Committed): string => (cookie ? `${cookie.name}=${cookie.value}` : '')

/** Opens a session, acts, and gives back what carries it out. */
async function begin(
  sessions: Sessions<Data>,
  cookie: string,
  act: Act,
): Promise<() => Promise<Committed>> {
  const { session, commit } = await sessions.open(cookie)
  act(session)
  return commit
}

async function request(sessions: Sessions<Data>, cookie: string, act: Act): Promise<Committed> {
  return (await begin(sessions, cookie, act))()
}

async function see(
  sessions: Sessions<Data>,
  cookie: string,
): Promise<{ readonly state: string; readonly subject: string | null; readonly data: Data }> {
  const { session } = await sessions.open(cookie)
  return { state: session.state, subject: session.subject, data: { ...session.data } }
}

async function visitorOf(sessions: Sessions<Data>): Promise<string> {
  return cookieOf(
    await request(sessions, '', ({ data }) => Object.assign(data, { counter: 0, cart: ['hat'] })),
  )
}

const count: Act = ({ data }) => void (data['counter'] = (data['counter'] as number) + 1)
const renew: Act = (session) => session.renew()
const signOut: Act = (session) => session.destroy()

let subjects = 0
const newSubject = (): string => `ada-${++subjects}-${Date.now()}`

describeOnAll('a move beside other requests', (backend) => {
  it('B1: a slow sign-out ends the session that was renewed, or signed in, meanwhile', async () => {
    for (const move of [renew, (session: Session<Data>) => session.signIn(newSubject())]) {
      for (const way of ['session.destroy', 'sessions.destroy'] as const) {
        const sessions = connect(backend)
        const old = await visitorOf(sessions)
        const slow = await begin(sessions, old, signOut)
        const moved = cookieOf(await request(sessions, old, move))
        const again = cookieOf(await request(sessions, moved, renew))
        const done = way === 'session.destroy' ? await slow() : await sessions.destroy(old)
        expect(done).toMatchObject({ outcome: 'destroyed', failure: null })
        for (const cookie of [old, moved, again])
          expect((await see(sessions, cookie)).state).toBe('new')
      }
    }
  })

  it('B1: so does one that first comes with the old token, in another process', async () => {
    const sessions = connect(backend)
    const old = await visitorOf(sessions)
    const moved = cookieOf(await request(sessions, old, renew))
    const elsewhere = connect(backend, backend.another())
    expect((await request(elsewhere, old, signOut)).outcome).toBe('destroyed')
    expect((await see(sessions, moved)).state).toBe('new')
  })

  it('B2: of 20 writers and a renewal at once every change is there, or its request was told', async () => {
    for (const processes of [1, 2]) {
      const all = [connect(backend), connect(backend, backend.another())]
      const [sessions] = all as [Sessions<Data>]
      const old = await visitorOf(sessions)
      const commits = await Promise.all(
        Array.from({ length: 21 }, (_, at) =>
          begin(all[at % processes] as Sessions<Data>, old, (session) => {
            if (at === 10) return session.renew()
            count(session)
            session.data[`own${at}`] = true
          }),
        ),
      )
      const done = await Promise.all(commits.map((commit) => commit()))
      const renewal = done[10] as Committed
      expect(renewal.outcome).toBe('renewed')
      const saved = done.flatMap(({ outcome }, at) => (outcome === 'saved' ? [at] : []))
      const others = done.filter(({ outcome }) => outcome !== 'saved' && outcome !== 'renewed')
      expect(others.map(({ failure }) => failure)).toEqual(
        others.map(() => ({ outcome: 'moved', asked: 'change' })),
      )
      const { data } = await see(sessions, cookieOf(renewal))
      expect(data['counter']).toBe(saved.length)
      for (const at of saved) expect(data[`own${at}`]).toBe(true)
      if (processes === 1) expect(saved).toHaveLength(20)
    }
  })

  it('B3: a plain change under the token from before a sign-in sets no cookie, and is told', async () => {
    const sessions = connect(backend)
    const old = await visitorOf(sessions)
    const slow = await begin(sessions, old, count)
    const subject = newSubject()
    const signedIn = cookieOf(await request(sessions, old, (session) => session.signIn(subject)))
    const failure = { outcome: 'moved', asked: 'change' }
    const expected = { outcome: 'moved', failure, cookie: null }
    expect(await slow()).toMatchObject(expected)
    const put: Act = ({ data }) => void (data['late'] = true)
    expect(await request(sessions, old, put)).toMatchObject(expected)
    const elsewhere = connect(backend, backend.another())
    expect(await request(elsewhere, old, put)).toMatchObject(expected)
    expect(await request(sessions, old, () => {})).toMatchObject({ failure: null, cookie: null })
    const { state, subject: who, data } = await see(sessions, signedIn)
    expect({ state, who, data }).toEqual({
      state: 'live',
      who: subject,
      data: { counter: 0, cart: ['hat'] },
    })
  })

  it('B4: of two sign-ins at once either answer signs in, and the cart is there', async () => {
    for (const processes of [1, 2]) {
      for (const order of [[0, 1], [1, 0], null]) {
        const all = [connect(backend), connect(backend, backend.another())]
        const old = await visitorOf(all[0] as Sessions<Data>)
        const subject = newSubject()
        const commits = await Promise.all(
          [0, 1].map((at) =>
            begin(all[at % processes] as Sessions<Data>, old, (session) => session.signIn(subject)),
          ),
        )
        const done: Committed[] = []
        if (order === null) done.push(...(await Promise.all(commits.map((commit) => commit()))))
        else for (const at of order) done.push(await (commits[at] as (typeof commits)[0])())
        expect(new Set(done.map(cookieOf)).size).toBe(2)
        for (const each of done) {
          expect(each.failure).toBeNull()
          expect(await see(all[0] as Sessions<Data>, cookieOf(each))).toEqual({
            state: 'live',
            subject,
            data: { counter: 0, cart: ['hat'] },
          })
        }
        expect((await see(all[0] as Sessions<Data>, old)).state).toBe('new')
      }
    }
  })

  it('B5: one lost answer, at each command of a renewal or a rotation, loses no session', async () => {
    for (const kind of ['renewal', 'rotation'] as const) {
      for (let nth = 1; nth <= 6; nth++) {
        let ahead = 0
        const open = (store: SessionStore): Sessions<Data> =>
          createSessions<Data>({
            store,
            secrets,
            merge,
            ...(kind === 'rotation' ? { lifetime: { rotate: 60 } } : {}),
            testing: { now: () => backend.now() + ahead },
          })
        const sessions = open(backend.store)
        const old = await visitorOf(sessions)
        if (kind === 'rotation') ahead = 61_000
        let commands = 0
        const unlucky = open(
          through(backend.store, () => (++commands === nth + 1 ? 'lose reply' : undefined)),
        )
        const done = await request(unlucky, old, (session) => {
          count(session)
          if (kind === 'renewal') session.renew()
        })
        const cookie = done.cookie === null ? old : cookieOf(done)
        const { state, data } = await see(sessions, cookie)
        const wasDone = done.failure === null
        expect([kind, nth, state, data['counter']]).toEqual([kind, nth, 'live', wasDone ? 1 : 0])
        if (kind === 'renewal') expect(done.outcome).toBe('renewed')
      }
    }
  })

  it('B6: signing in gives a new token, also to the subject that the session has, and survives a revocation', async () => {
    const sessions = connect(backend)
    const subject = newSubject()
    const first = cookieOf(await request(sessions, '', (session) => session.signIn(subject)))
    const second = cookieOf(await request(sessions, first, (session) => session.signIn(subject)))
    expect(second).not.toBe(first)
    expect((await see(sessions, first)).state).toBe('new')
    expect(await see(sessions, second)).toMatchObject({ state: 'live', subject })
    const { session, commit } = await sessions.open(second)
    await sessions.revoke(subject)
    session.signIn(subject)
    const third = cookieOf(await commit())
    expect((await see(sessions, second)).state).toBe('new')
    expect(await see(sessions, third)).toMatchObject({ state: 'live', subject })
    expect(await sessions.list(subject)).toHaveLength(1)
  })

  it('E1: a login at the limit reads no record of the sessions that are there', async () => {
    const ids: string[] = []
    let size = 0
    const sessions = createSessions<Data>({
      store: through(backend.store, ({ operation, id }) => {
        if (operation === 'load') ids.push(id)
      }),
      secrets,
      sessionsPerSubject: 20,
      testing: { now: backend.now },
    })
    const subject = newSubject()
    for (let n = 0; n < 20; n++) {
      const done = await request(sessions, '', (session) => {
        session.data['text'] = 'x'.repeat(60_000)
        session.signIn(subject)
      })
      size += done.outcome === 'created' ? 1 : 0
    }
    expect(size).toBe(20)
    ids.length = 0
    const before = await backend.commands()
    const done = await request(sessions, '', (session) => session.signIn(subject))
    expect(done.outcome).toBe('created')
    // The list is read and saved, and the record is made.
    expect(ids).toHaveLength(1)
    expect((await backend.commands()) - before).toBe(3)
    expect(await sessions.list(subject)).toHaveLength(20)
  })

  it('E2: of 200 logins of one subject at once all succeed, and the limit holds', async () => {
    const all = [connect(backend), connect(backend, backend.another())]
    for (const processes of [1, 2]) {
      const subject = newSubject()
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, async (_, at) => {
          const sessions = all[at % processes] as Sessions<Data>
          return request(sessions, '', (session) => session.signIn(subject))
        }),
      )
      const counts = new Set(outcomes.map(({ outcome }) => outcome))
      expect([...counts].filter((each) => each !== 'created' && each !== 'conflict')).toEqual([])
      if (processes === 1) expect(counts).toEqual(new Set(['created']))
      expect(await (all[0] as Sessions<Data>).list(subject)).toHaveLength(100)
      const states = await Promise.all(
        outcomes.map(async (each) => (await see(all[0] as Sessions<Data>, cookieOf(each))).state),
      )
      expect(states.filter((state) => state === 'live')).toHaveLength(100)
    }
  })
})

describe.each(engines)('on a $name that several processes share', ({ start }) => {
  let server: EngineServer
  const stores: OpenedStore[] = []
  const children: ChildProcess[] = []
  let ahead = 0
  beforeAll(async () => void (server = await start()))
  afterAll(async () => {
    for (const child of children) child.kill()
    for (const store of stores) store.close()
    await server.end()
  })

  /** Sessions that share nothing with the others but the server and the time. */
  function open(options: { readonly lifetime?: { readonly rotate: number } } = {}): Sessions<Data> {
    const store = openStore(server.url, { deadline: 5000 })
    stores.push(store)
    const testing = { now: (): number => Date.now() + ahead }
    return createSessions<Data>({ store, secrets, merge, testing, ...options })
  }

  /** A process that writes: gives the next line that it says. */
  async function startWriter(): Promise<{
    readonly tell: (line: string) => void
    readonly hear: () => Promise<string>
  }> {
    const file = fileURLToPath(new URL('mover.ts', import.meta.url))
    const child = spawn(process.execPath, [file, server.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const hear = async (): Promise<string> => (await lines.next()).value as string
    expect(await hear()).toBe('ready')
    return { tell: (line) => void child.stdin.write(`${line}\n`), hear }
  }

  // Three processes take turns, 200 times: where many tests run at once that takes a minute.
  it(
    'B9: of 200 renewals beside a writer in each of two processes none is a conflict',
    { timeout: 240_000 },
    async () => {
      const sessions = open()
      const writers = await Promise.all([startWriter(), startWriter()])
      const wrong: unknown[] = []
      for (let round = 0; round < 200; round++) {
        const old = await visitorOf(sessions)
        for (const { tell } of writers) tell(old)
        for (const { hear } of writers) expect(await hear()).toBe('writing')
        const renewal = await request(sessions, old, renew)
        // The writers would not end.
        expect([round, renewal.outcome]).toEqual([round, 'renewed'])
        let saved = 0
        for (const { hear } of writers) {
          const outcomes = JSON.parse(await hear()) as Record<string, number>
          saved += outcomes['saved'] ?? 0
          // At most the last one is told that the session has moved. Two writers without a pause between their
          // requests can also lose to each other, on a busy machine more often than a save tries.
          const { saved: _, moved = 0, conflict: _lost, ...others } = outcomes
          if (moved > 1 || Object.keys(others).length > 0) wrong.push(outcomes)
        }
        const { data } = await see(sessions, cookieOf(renewal))
        if (data['counter'] !== saved) wrong.push([round, saved, data['counter']])
      }
      expect(wrong).toEqual([])
    },
  )

  it.each([2, 8])(
    'B7: with %i writers at once every due token is rotated, once, and no record is made for nothing',
    async (count) => {
      ahead = 0
      const [rounds, writes] = [15, 10]
      const all = Array.from({ length: count }, () => open({ lifetime: { rotate: 60 } }))
      let cookie = await visitorOf(all[0] as Sessions<Data>)
      const outcomes: Record<string, number> = {}
      const before = [await server.deletes(), (await server.keys()).length] as const
      for (let round = 1; round <= rounds; round++) {
        ahead += 61_000
        await Promise.all(
          all.map(async (sessions) => {
            for (let n = 0; n < writes; n++) {
              const done = await request(sessions, cookie, ({ data }) => {
                data['counter'] = (data['counter'] as number) + 1
              })
              outcomes[done.outcome] = (outcomes[done.outcome] ?? 0) + 1
              if (done.cookie !== null) cookie = cookieOf(done)
            }
          }),
        )
        expect(outcomes['rotated']).toBe(round)
      }
      const after = [await server.deletes(), (await server.keys()).length] as const
      const total = rounds * writes * count
      expect(outcomes).toEqual({ rotated: rounds, saved: total - rounds })
      // What is withdrawn is deleted; each rotation leaves its forward, which is there for a while.
      expect(after[0] - before[0]).toBe(0)
      expect(after[1] - before[1]).toBeLessThanOrEqual(rounds)
      expect((await see(all[0] as Sessions<Data>, cookie)).data['counter']).toBe(total)
    },
  )
})
