import { describe, expect, it } from 'vitest'
import { randomFrom } from '../../test/fakes/random.ts'
import type { Committed } from '../commit/committed.ts'
import type { SessionEvent } from '../events.ts'
import { sum } from '../rules/resolvers.ts'
import type { Session } from '../session/session.ts'
import type { SessionsOptions } from '../settings/options.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionStore } from '../store/store.ts'
import type { Opened } from './open.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

interface Visitor {
  visits: number
  cart: string[]
  [key: string]: unknown
}
type Data = Partial<Visitor>
type Act = (session: Session<Data>) => unknown

const second = 1000
const secrets = ['a secret that is 32 characters long']

/** The commands that reached the store, in order, and what becomes of each. */
interface WatchedStore extends SessionStore {
  readonly commands: () => string[]
  /** Called with the name of each command. What it throws is thrown before the command or after. */
  before: (command: string) => unknown
  after: (command: string) => unknown
}

function watch(inner: SessionStore): WatchedStore {
  const log: string[] = []
  const pass = async <result>(name: string, run: () => Promise<result>): Promise<result> => {
    log.push(name)
    await store.before(name)
    const result = await run()
    await store.after(name)
    return result
  }
  const store: WatchedStore = {
    commands: () => log.splice(0),
    before: () => {},
    after: () => {},
    load: (id, expiresAt) => pass('load', () => inner.load(id, expiresAt)),
    create: (id, bytes, expiresAt) => pass('create', () => inner.create(id, bytes, expiresAt)),
    save: (id, bytes, expiresAt, version) =>
      pass('save', () => inner.save(id, bytes, expiresAt, version)),
    delete: (id, version) => pass('delete', () => inner.delete(id, version)),
  }
  return store
}

/** Lets other work go on for a while. */
async function pause(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise((resolve) => void setImmediate(resolve))
  }
}

/** A store whose commands take a random time on the way there and back. */
function slowly(store: WatchedStore, seed: number): WatchedStore {
  const random = randomFrom(seed)
  store.before = store.after = () => pause(random(5))
  return store
}

interface World {
  readonly store: WatchedStore
  /** As many processes as a test wants, on one store. */
  readonly processes: readonly Sessions<Data>[]
  readonly sessions: Sessions<Data>
  readonly events: SessionEvent[]
  /** Moves the clock, in milliseconds. */
  readonly pass: (milliseconds: number) => void
}

function world(options: Partial<SessionsOptions<Visitor>> = {}, processes = 1): World {
  let offset = 0
  const now = (): number => Date.now() + offset
  const store = watch(memoryStore({ now, maxSessions: 100_000 }))
  const events: SessionEvent[] = []
  const make = (): Sessions<Data> =>
    createSessions<Visitor>({
      store,
      secrets,
      merge: { visits: sum },
      onEvent: (event) => void events.push(event),
      ...options,
      testing: { now },
    })
  const all = Array.from({ length: processes }, make)
  return {
    store,
    processes: all,
    sessions: all[0] as Sessions<Data>,
    events,
    pass: (milliseconds) => void (offset += milliseconds),
  }
}

/** The cookie that a browser sends after it has received this answer. */
function received(cookie: string, committed: Committed): string {
  if (committed.cookie === null) return cookie
  const { name, value } = committed.cookie
  return value === '' ? '' : `${name}=${value}`
}

/** One request; what its browser has after it, and what became of it. */
async function visit(
  sessions: Sessions<Data>,
  cookie: string,
  act: Act = () => {},
): Promise<Committed & { readonly kept: string }> {
  const opened = await sessions.open(cookie)
  await act(opened.session)
  const committed = await opened.commit()
  return { ...committed, kept: received(cookie, committed) }
}

async function begin(sessions: Sessions<Data>, data: Data, subject?: string): Promise<string> {
  const { kept } = await visit(sessions, '', (session) => {
    Object.assign(session.data, data)
    if (subject !== undefined) session.signIn(subject)
  })
  return kept
}

interface Seen {
  readonly state: string
  readonly subject: string | null
  readonly data: Data
}

/** What a request by this cookie finds. It saves nothing. */
async function look(sessions: Sessions<Data>, cookie: string): Promise<Seen> {
  const { session } = await sessions.open(cookie, { touch: false })
  return { state: session.state, subject: session.subject, data: { ...session.data } }
}

const nothing: Seen = { state: 'new', subject: null, data: {} }

const stays = (data: Data, subject: string | null = null): Seen => ({
  state: 'live',
  subject,
  data,
})

/** For a request that is opened now and commits later. */
function committing(opened: Opened<Data>, act: Act): Promise<Committed> {
  act(opened.session)
  return opened.commit()
}

const renew: Act = (session) => session.renew()
const destroy: Act = (session) => session.destroy()
const signIn =
  (subject: string): Act =>
  (session) =>
    session.signIn(subject)

describe('B1: a slow sign-out beside a renewal', () => {
  it.each([1, 2, 3])('ends the session that was renewed %i times in between', async (times) => {
    const { sessions } = world()
    let cookie = await begin(sessions, { visits: 1 })
    const slow = await sessions.open(cookie)
    for (let n = 0; n < times; n++) ({ kept: cookie } = await visit(sessions, cookie, renew))
    const answer = await committing(slow, destroy)
    expect(answer).toMatchObject({ outcome: 'destroyed', failure: null, cookie: { value: '' } })
    expect(await look(sessions, cookie)).toEqual(nothing)
  })

  it('ends the session that was signed in to in between, and frees its place in the list', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { visits: 1 })
    const slow = await sessions.open(cookie)
    const { kept } = await visit(sessions, cookie, signIn('zoë'))
    expect(await committing(slow, destroy)).toMatchObject({ outcome: 'destroyed' })
    expect(await look(sessions, kept)).toEqual(nothing)
    expect(await sessions.list('zoë')).toEqual([])
  })

  it('ends it also by a request that came after the renewal, with the old cookie', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { visits: 1 })
    const { kept } = await visit(sessions, cookie, renew)
    expect(await visit(sessions, cookie, destroy)).toMatchObject({ outcome: 'destroyed' })
    expect(await look(sessions, kept)).toEqual(nothing)
  })

  it('ends it without loading it', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { visits: 1 })
    const { kept } = await visit(sessions, cookie, renew)
    expect(await sessions.destroy(cookie)).toMatchObject({ outcome: 'destroyed' })
    expect(await look(sessions, kept)).toEqual(nothing)
  })

  it('leaves the session alone when a minute has passed', async () => {
    const { sessions, pass } = world()
    const cookie = await begin(sessions, { visits: 1 })
    const { kept } = await visit(sessions, cookie, renew)
    pass(60 * second)
    expect(await sessions.destroy(cookie)).toMatchObject({ outcome: 'gone' })
    expect(await look(sessions, kept)).toEqual(stays({ visits: 1 }))
  })
})

describe('B2: 20 writers and one renewal of one session at once', () => {
  it.each([0, 10, 20])(
    'keep every change that is said to be saved, the renewal at place %i',
    async (at) => {
      const { sessions, store } = world()
      const cookie = await begin(sessions, { visits: 0 })
      slowly(store, at)
      const acts: Act[] = Array.from({ length: 20 }, (_, n) => ({ data }) => {
        data[`key ${n}`] = n
        data.visits = (data.visits ?? 0) + 1
      })
      acts.splice(at, 0, renew)
      const opened = await Promise.all(acts.map(() => sessions.open(cookie)))
      const ends = await Promise.all(
        acts.map(async (act, n) => {
          if (n % 3 === 0) await pause(n)
          return committing(opened[n] as Opened<Data>, act)
        }),
      )
      const kept = received(cookie, ends[at] as Committed)
      expect(ends[at]?.outcome).toBe('renewed')
      const writers = ends.toSpliced(at, 1)
      const { data } = await look(sessions, kept)
      writers.forEach(({ outcome, failure, cookie: set }, n) => {
        expect(['saved', 'moved']).toContain(outcome)
        expect(data[`key ${n}`]).toBe(outcome === 'saved' ? n : undefined)
        expect(failure?.asked).toBe(outcome === 'saved' ? undefined : 'change')
        expect(set).toBeNull()
      })
      expect(data.visits).toBe(writers.filter(({ outcome }) => outcome === 'saved').length)
      expect(await look(sessions, cookie)).toEqual(nothing)
    },
  )
})

describe('B3: a plain change by the old token after a sign-in', () => {
  it('is moved, sets no cookie and begins no session, loaded before the sign-in', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { cart: ['hat'] })
    const slow = await sessions.open(cookie)
    const { kept } = await visit(sessions, cookie, signIn('zoë'))
    const answer = await committing(slow, ({ data }) => (data.visits = 1))
    expect(answer).toMatchObject({
      outcome: 'moved',
      failure: { outcome: 'moved', asked: 'change' },
      cookie: null,
    })
    expect(await look(sessions, received(kept, answer))).toEqual(stays({ cart: ['hat'] }, 'zoë'))
  })

  it('is moved, sets no cookie and begins no session, loaded after it', async () => {
    const { sessions, store, events } = world()
    const cookie = await begin(sessions, { cart: ['hat'] })
    await visit(sessions, cookie, signIn('zoë'))
    store.commands()
    events.length = 0
    const answer = await visit(sessions, cookie, ({ data }) => (data.visits = 1))
    expect(answer).toMatchObject({
      outcome: 'moved',
      failure: { outcome: 'moved', asked: 'change' },
      cookie: null,
    })
    expect(store.commands()).toEqual(['load', 'load'])
    expect(await visit(sessions, cookie)).toMatchObject({ outcome: 'unchanged', cookie: null })
    expect(events.map(({ type }) => type)).toEqual(['commit'])
  })

  it('begins a new session once the mark has ended', async () => {
    const { sessions, pass } = world()
    const cookie = await begin(sessions, { cart: ['hat'] })
    await visit(sessions, cookie, signIn('zoë'))
    pass(60 * second)
    const answer = await visit(sessions, cookie, ({ data }) => (data.visits = 1))
    expect(answer).toMatchObject({ outcome: 'created' })
    expect(await look(sessions, answer.kept)).toEqual(stays({ visits: 1 }))
  })
})

describe('B4: two sign-ins at once', () => {
  const arrivals: [string, number[]][] = [
    ['both, the first one first', [0, 1]],
    ['both, the second one first', [1, 0]],
    ['only the first', [0]],
    ['only the second', [1]],
  ]
  const ways: [string, number][] = [
    ['one process', 1],
    ['two processes', 2],
  ]

  describe.each(ways)('in %s', (_name, processes) => {
    it.each(arrivals)(
      'are signed in, with the cart, whichever answer arrives: %s',
      async (_way, order) => {
        for (let seed = 0; seed < 10; seed++) {
          const made = world({}, processes)
          const { sessions } = made
          const cookie = await begin(sessions, { cart: ['hat'] })
          slowly(made.store, seed)
          const both = [sessions, made.processes.at(-1) as Sessions<Data>]
          const opened = await Promise.all(both.map((each) => each.open(cookie)))
          const answers = await Promise.all(
            opened.map((each, n) =>
              committing(each, (session) => {
                session.data[`form ${n}`] = n
                session.signIn('zoë')
              }),
            ),
          )
          expect(answers.map(({ failure }) => failure)).toEqual([null, null])
          let kept = cookie
          for (const n of order) kept = received(kept, answers[n] as Committed)
          expect(kept).not.toBe(cookie)
          const last = order.at(-1) as number
          const { state, subject, data } = await look(sessions, kept)
          expect([state, subject, data.cart]).toEqual(['live', 'zoë', ['hat']])
          expect(data[`form ${last}`]).toBe(last)
          expect(await look(sessions, cookie)).toEqual(nothing)
        }
      },
    )
  })

  it('the second, loaded after the first was saved, is signed in with what it brings', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { cart: ['hat'] })
    await visit(sessions, cookie, signIn('zoë'))
    const answer = await visit(sessions, cookie, (session) => {
      session.data.visits = 1
      session.signIn('zoë')
    })
    expect(answer).toMatchObject({ outcome: 'created', failure: null })
    expect(await look(sessions, answer.kept)).toEqual(stays({ visits: 1 }, 'zoë'))
  })
})

describe('B5: a command of a move whose answer is lost', () => {
  const moves: [string, Act, number][] = [
    ['renewal', renew, 3],
    ['sign-in', signIn('zoë'), 5],
  ]
  it.each(moves)(
    '%s: the session lives, and the outcome says where',
    async (_name, act, commands) => {
      for (let at = 1; at <= commands; at++) {
        for (const isCarriedOut of [true, false]) {
          const { sessions, store } = world()
          const cookie = await begin(sessions, { cart: ['hat'] })
          let count = 0
          const lose = (): void => {
            if (++count === at) throw new Error('timed out')
          }
          if (isCarriedOut) store.after = lose
          else store.before = lose
          const answer = await visit(sessions, cookie, act)
          store.before = store.after = () => {}
          const isDone = answer.failure === null
          expect([at, answer.outcome]).toEqual([at, isDone ? 'renewed' : 'unavailable'])
          expect(answer.cookie === null).toBe(!isDone)
          const [used, other] = isDone ? [answer.kept, cookie] : [cookie, null]
          expect((await look(sessions, used)).data).toEqual({ cart: ['hat'] })
          if (other !== null) expect(await look(sessions, other)).toEqual(nothing)
          expect(count).toBeGreaterThanOrEqual(at)
        }
      }
    },
  )

  it('rotation: the session lives, and the change is there or the outcome says that it is not', async () => {
    for (let at = 1; at <= 5; at++) {
      for (const isCarriedOut of [true, false]) {
        const { sessions, store, pass } = world({ lifetime: { rotate: 60 } })
        const cookie = await begin(sessions, { cart: ['hat'] })
        pass(60 * second)
        let count = 0
        const lose = (): void => {
          if (++count === at) throw new Error('timed out')
        }
        if (isCarriedOut) store.after = lose
        else store.before = lose
        const answer = await visit(sessions, cookie, ({ data }) => (data.visits = 1))
        store.before = store.after = () => {}
        const { state, data } = await look(sessions, answer.kept)
        expect([at, isCarriedOut, state, data.cart]).toEqual([at, isCarriedOut, 'live', ['hat']])
        expect(data.visits).toBe(answer.failure === null ? 1 : undefined)
        // The first and the third are loads: what cannot be read is not changed.
        expect([at, isCarriedOut, answer.failure?.outcome]).toEqual([
          at,
          isCarriedOut,
          at === 1 || at === 3 ? 'unavailable' : undefined,
        ])
      }
    }
  })
})

describe('B6: signing in as the subject that the session has', () => {
  it('gives a new token, and the old one is dead', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { cart: ['hat'] }, 'alice')
    const { kept, outcome } = await visit(sessions, cookie, signIn('alice'))
    expect(outcome).toBe('renewed')
    expect(kept).not.toBe(cookie)
    expect(await look(sessions, cookie)).toEqual(nothing)
    expect(await look(sessions, kept)).toEqual(stays({ cart: ['hat'] }, 'alice'))
    expect(await sessions.list('alice')).toHaveLength(1)
  })

  it('is signed in after all of the subject’s sessions were revoked in the same request', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { cart: ['hat'] }, 'alice')
    const elsewhere = await begin(sessions, {}, 'alice')
    const { kept } = await visit(sessions, cookie, async (session) => {
      expect(await sessions.revoke('alice')).toBe('revoked')
      session.signIn('alice')
    })
    expect(await look(sessions, kept)).toEqual(stays({ cart: ['hat'] }, 'alice'))
    expect(await look(sessions, elsewhere)).toEqual(nothing)
    expect(await sessions.list('alice')).toHaveLength(1)
  })
})

describe('B7: a rotation that is due', () => {
  it.each([2, 8])(
    'happens beside %i requests that write, and makes one record',
    async (writers) => {
      const made = world({ lifetime: { rotate: 60 } }, 2)
      let cookie = await begin(made.sessions, { visits: 0 })
      slowly(made.store, writers)
      for (let round = 1; round <= 12; round++) {
        made.pass(61 * second)
        made.store.commands()
        const answers = await Promise.all(
          Array.from({ length: writers }, (_, n) =>
            visit(made.processes[n % 2] as Sessions<Data>, cookie, ({ data }) => {
              data.visits = (data.visits ?? 0) + 1
            }),
          ),
        )
        const created = made.store.commands().filter((command) => command === 'create')
        expect([round, created.length]).toEqual([round, 1])
        expect(answers.map(({ failure }) => failure)).toEqual(answers.map(() => null))
        const given = new Set(answers.map(({ kept }) => kept).filter((each) => each !== cookie))
        expect([round, given.size]).toEqual([round, 1])
        ;[cookie] = [...given] as [string]
        const { data } = await look(made.sessions, cookie)
        expect(data.visits).toBe(round * writers)
      }
    },
  )

  it('happens beside requests that only read', async () => {
    const made = world({ lifetime: { rotate: 60 } }, 2)
    const cookie = await begin(made.sessions, { visits: 0 })
    slowly(made.store, 1)
    made.pass(61 * second)
    made.store.commands()
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) => visit(made.processes[n % 2] as Sessions<Data>, cookie)),
    )
    expect(made.store.commands().filter((command) => command === 'create')).toHaveLength(1)
    const given = new Set(answers.map(({ kept }) => kept).filter((each) => each !== cookie))
    expect(given.size).toBe(1)
    expect(await look(made.sessions, [...given][0] as string)).toEqual(stays({ visits: 0 }))
  })
})

describe('B8: a rotation whose HTTP answer is lost', () => {
  async function rotated(): Promise<World & { readonly old: string; readonly next: string }> {
    const made = world({ lifetime: { rotate: 60 } })
    const old = await begin(made.sessions, { visits: 1 })
    made.pass(61 * second)
    const { kept, outcome } = await visit(made.sessions, old)
    expect(outcome).toBe('rotated')
    made.events.length = 0
    made.store.commands()
    return { ...made, old, next: kept }
  }

  it('tells the new token again to a browser that comes by the old one, changed or not', async () => {
    const { sessions, old, next, pass, events } = await rotated()
    for (const act of [() => {}, ({ data }: Session<Data>) => (data.visits = 2)]) {
      pass(4 * second)
      expect((await visit(sessions, old, act)).kept).toBe(next)
    }
    expect(events.map(({ type }) => type)).not.toContain('token.reused')
    pass(60 * second)
    expect(await look(sessions, next)).toEqual(stays({ visits: 2 }))
  })

  it('stops telling it once the new token was used, and says that the old one came after', async () => {
    const { sessions, old, next, events, store } = await rotated()
    expect(await visit(sessions, next)).toMatchObject({ outcome: 'unchanged', cookie: null })
    expect(store.commands()).toEqual(['load', 'save'])
    expect(await visit(sessions, next)).toMatchObject({ outcome: 'unchanged', cookie: null })
    expect(store.commands()).toEqual(['load'])
    expect(events.map(({ type }) => type)).not.toContain('token.reused')
    const answer = await visit(sessions, old, ({ data }) => (data.visits = 2))
    expect(answer).toMatchObject({ outcome: 'saved', cookie: null })
    expect(events.filter(({ type }) => type === 'token.reused')).toHaveLength(1)
    expect(await look(sessions, next)).toEqual(stays({ visits: 2 }))
  })

  it('notes the first use of the new token together with a change, in one write', async () => {
    const { sessions, old, next, store, events } = await rotated()
    await visit(sessions, next, ({ data }) => (data.visits = 2))
    expect(store.commands()).toEqual(['load', 'save'])
    expect((await visit(sessions, old)).cookie).toBeNull()
    expect(events.map(({ type }) => type)).toContain('token.reused')
  })

  it('ends the old token after 15 seconds', async () => {
    const { sessions, old, next, pass } = await rotated()
    pass(15 * second)
    expect(await look(sessions, old)).toEqual(nothing)
    expect(await look(sessions, next)).toEqual(stays({ visits: 1 }))
  })
})

describe('B9: a renewal beside one writer in each of two processes', () => {
  it('is no conflict, and every change that is said to be saved is there', async () => {
    const outcomes = new Map<string, number>()
    for (let round = 0; round < 60; round++) {
      const made = world({}, 2)
      const cookie = await begin(made.sessions, { visits: 0 })
      slowly(made.store, round)
      const random = randomFrom(round + 1000)
      const [one, two] = made.processes as [Sessions<Data>, Sessions<Data>]
      const write = async (sessions: Sessions<Data>, name: string): Promise<string[]> => {
        const saved: string[] = []
        for (let n = 0; n < 4; n++) {
          const { outcome } = await visit(sessions, cookie, ({ data }) => (data[`${name}${n}`] = n))
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
          if (outcome === 'saved') saved.push(`${name}${n}`)
          else expect(outcome).toBe('moved')
        }
        return saved
      }
      const later = async (): Promise<Committed & { readonly kept: string }> => {
        await pause(random(20))
        return visit(one, cookie, renew)
      }
      const [ones, twos, renewed] = await Promise.all([write(one, 'a'), write(two, 'b'), later()])
      expect([round, renewed.outcome]).toEqual([round, 'renewed'])
      const { data } = await look(two, renewed.kept)
      expect(Object.keys(data).toSorted()).toEqual(['visits', ...ones, ...twos].toSorted())
    }
    expect(outcomes.get('saved')).toBeGreaterThan(0)
    expect(outcomes.get('moved')).toBeGreaterThan(0)
  })
})

describe('B10: a login at the limit of sessions beside a renewal', () => {
  it('ends the oldest and only the oldest, in 60 random schedules', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const made = world({ sessionsPerSubject: 3 }, 2)
      const [one, two] = made.processes as [Sessions<Data>, Sessions<Data>]
      const cookies: string[] = []
      for (const key of ['oldest', 'renewed', 'other']) {
        cookies.push(await begin(one, { [key]: true }, 'zoë'))
        made.pass(second)
      }
      slowly(made.store, seed)
      const random = randomFrom(seed + 1000)
      const [renewed, fresh] = await Promise.all([
        pause(random(30)).then(() => visit(one, cookies[1] as string, renew)),
        pause(random(30)).then(() => begin(seed % 2 ? one : two, { fresh: true }, 'zoë')),
      ])
      expect([seed, renewed.outcome]).toEqual([seed, 'renewed'])
      const seen = [cookies[0] as string, renewed.kept, cookies[2] as string, fresh]
      const states = await Promise.all(seen.map((cookie) => look(two, cookie)))
      expect([seed, states.map(({ state }) => state)]).toEqual([
        seed,
        ['new', 'live', 'live', 'live'],
      ])
      expect(await two.list('zoë')).toHaveLength(3)
    }
  })
})

describe('E1: a login at the limit', () => {
  it('reads no record: one load of the list, and one write of it', async () => {
    const { sessions, store, pass } = world()
    const cookies: string[] = []
    for (let n = 0; n < 100; n++) {
      pass(1)
      cookies.push(await begin(sessions, { cart: ['x'.repeat(6000)] }, 'zoë'))
    }
    store.commands()
    await begin(sessions, {}, 'zoë')
    expect(store.commands()).toEqual(['load', 'save', 'create'])
    expect(await sessions.list('zoë')).toHaveLength(100)
    expect(store.commands()).toEqual(['load'])
    expect(await look(sessions, cookies[0] as string)).toEqual(nothing)
    expect((await look(sessions, cookies[1] as string)).state).toBe('live')
  })

  it('of a browser that is signed in already ends no session of another', async () => {
    const { sessions, pass } = world({ sessionsPerSubject: 3 })
    const cookies: string[] = []
    for (let n = 0; n < 3; n++) {
      pass(1)
      cookies.push(await begin(sessions, {}, 'zoë'))
    }
    const { session, commit } = await sessions.open(cookies[2]!)
    session.signIn('zoë')
    expect((await commit()).outcome).toBe('renewed')
    for (const cookie of cookies.slice(0, 2)) {
      expect((await look(sessions, cookie)).state).toBe('live')
    }
    expect(await sessions.list('zoë')).toHaveLength(3)
  })

  it('of 30 at once reads no record', async () => {
    const { sessions, store } = world({ sessionsPerSubject: 10 })
    for (let n = 0; n < 10; n++) await begin(sessions, { n }, 'zoë')
    store.commands()
    await Promise.all(Array.from({ length: 30 }, () => begin(sessions, {}, 'zoë')))
    const commands = store.commands()
    const loads = commands.filter((command) => command === 'load').length
    // The list alone: as often as it is written.
    expect(loads).toBe(commands.filter((command) => command === 'save').length)
    expect(loads).toBeLessThanOrEqual(30)
    expect(await sessions.list('zoë')).toHaveLength(10)
  })
})

describe('E2: 200 sign-ins of one subject at once', () => {
  it.each([
    ['one process', 1],
    ['two processes', 2],
    ['four processes', 4],
  ])('succeed or say conflict, and the limit holds exactly, in %s', async (_name, processes) => {
    const made = world({ sessionsPerSubject: 100 }, processes)
    slowly(made.store, processes)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        visit(made.processes[n % processes] as Sessions<Data>, '', (session) => {
          session.data.visits = n
          session.signIn('zoë')
        }),
      ),
    )
    for (const { outcome } of answers) expect(['created', 'conflict']).toContain(outcome)
    const done = answers.filter(({ outcome }) => outcome === 'created')
    for (const { failure, outcome } of answers) expect(failure === null).toBe(outcome === 'created')
    const states = await Promise.all(done.map(({ kept }) => look(made.sessions, kept)))
    const live = states.filter(({ state }) => state === 'live').length
    expect(live).toBe(Math.min(100, done.length))
    expect(await made.sessions.list('zoë')).toHaveLength(live)
    if (processes === 1) expect(done).toHaveLength(200)
  })
})

describe('E3: a list that was not told of a move', () => {
  it('rotation: list shows the session, and the next login at the limit leaves it', async () => {
    const { sessions, store, pass } = world({ sessionsPerSubject: 2, lifetime: { rotate: 60 } })
    const oldest = await begin(sessions, {}, 'zoë')
    pass(second)
    const cookie = await begin(sessions, { visits: 1 }, 'zoë')
    pass(61 * second)
    const { kept, outcome } = await visit(sessions, cookie)
    expect(outcome).toBe('rotated')
    store.commands()
    expect(await sessions.list('zoë')).toHaveLength(2)
    await begin(sessions, {}, 'zoë')
    expect(await look(sessions, oldest)).toEqual(nothing)
    expect(await look(sessions, kept)).toEqual(stays({ visits: 1 }, 'zoë'))
  })

  /** A renewal after which the list cannot be written. */
  async function renewUntold(made: World, cookie: string, act: Act): Promise<string> {
    let saves = 0
    const opened = await made.sessions.open(cookie)
    made.store.before = (command) => {
      if (command === 'save' && ++saves > 1) throw new Error('timed out')
    }
    const answer = await committing(opened, act)
    made.store.before = () => {}
    expect(answer.outcome).toBe('renewed')
    expect(saves).toBeGreaterThan(1)
    return received(cookie, answer)
  }

  it('renewal: list shows the session, and the next login at the limit leaves it', async () => {
    const made = world({ sessionsPerSubject: 2 })
    const { sessions, pass } = made
    const oldest = await begin(sessions, {}, 'zoë')
    pass(second)
    const kept = await renewUntold(made, await begin(sessions, { visits: 1 }, 'zoë'), renew)
    expect(await sessions.list('zoë')).toHaveLength(2)
    pass(second)
    await begin(sessions, {}, 'zoë')
    expect(await look(sessions, oldest)).toEqual(nothing)
    expect(await look(sessions, kept)).toEqual(stays({ visits: 1 }, 'zoë'))
  })

  it('renewal that restarts the lifetime: the same after the end of the former one', async () => {
    const made = world({ lifetime: { idle: 3600, absolute: 7200 } })
    const { sessions, pass } = made
    let cookie = await begin(sessions, { visits: 1 }, 'zoë')
    for (let n = 0; n < 3; n++) {
      pass(2000 * second)
      if (n < 2) await visit(sessions, cookie)
    }
    cookie = await renewUntold(made, cookie, (session) => session.renew({ reauthenticated: true }))
    pass(1800 * second)
    expect((await visit(sessions, cookie)).outcome).toBe('unchanged')
    expect(await sessions.list('zoë')).toHaveLength(1)
    await begin(sessions, {}, 'zoë')
    expect(await look(sessions, cookie)).toEqual(stays({ visits: 1 }, 'zoë'))
  })

  it('a session in use is shown for as long as it lives, though its list is told now and then', async () => {
    const { sessions, store, pass } = world({ lifetime: { idle: 400 } })
    const cookie = await begin(sessions, { visits: 1 }, 'zoë')
    let writes = 0
    for (let n = 0; n < 100; n++) {
      pass(50 * second)
      store.commands()
      await visit(sessions, cookie)
      writes += store.commands().filter((command) => command === 'save').length
      expect([n, (await sessions.list('zoë')).length]).toEqual([n, 1])
    }
    // Every second request: a quarter of the idle time is 100 seconds.
    expect(writes).toBe(50)
  })

  it('a session that is not used any more is shown until the idle time and a quarter are over', async () => {
    const { sessions, pass } = world({ lifetime: { idle: 400 } })
    await begin(sessions, { visits: 1 }, 'zoë')
    pass(490 * second)
    expect(await sessions.list('zoë')).toHaveLength(1)
    pass(11 * second)
    expect(await sessions.list('zoë')).toHaveLength(0)
  })
})

describe('moves one after the other', () => {
  it('two renewals, then a sign-out by the first token: the session is over', async () => {
    const { sessions } = world()
    const first = await begin(sessions, { visits: 1 })
    const { kept: second } = await visit(sessions, first, renew)
    const { kept: third } = await visit(sessions, second, renew)
    expect(await sessions.destroy(first)).toMatchObject({ outcome: 'destroyed' })
    for (const cookie of [first, second, third]) {
      expect((await look(sessions, cookie)).state).toBe('new')
    }
  })

  it('a renewal after a rotation, by the old token and by the new one', async () => {
    for (const isOld of [true, false]) {
      const { sessions, pass } = world({ lifetime: { rotate: 60 } })
      const old = await begin(sessions, { visits: 1 })
      pass(61 * second)
      const { kept: next } = await visit(sessions, old)
      const { kept, outcome } = await visit(sessions, isOld ? old : next, renew)
      expect(outcome).toBe('renewed')
      expect(await look(sessions, kept)).toEqual(stays({ visits: 1 }))
      expect((await look(sessions, next)).state).toBe('new')
      expect((await look(sessions, old)).state).toBe('new')
      expect(await sessions.destroy(old)).toMatchObject({ outcome: 'destroyed' })
      expect(await look(sessions, kept)).toEqual(nothing)
    }
  })

  it('a sign-in after a sign-out has what its own request put in, and nothing else', async () => {
    const { sessions } = world()
    const cookie = await begin(sessions, { cart: ['secret'], visits: 1 }, 'ann')
    const slow = await sessions.open(cookie)
    expect(slow.session.data.cart).toEqual(['secret'])
    await visit(sessions, cookie, destroy)
    const answer = await committing(slow, (session) => {
      session.data['form'] = 'sent'
      session.signIn('zoë')
    })
    expect(answer).toMatchObject({ outcome: 'created', failure: null })
    expect(await look(sessions, received('', answer))).toEqual(stays({ form: 'sent' }, 'zoë'))
    expect(await sessions.list('ann')).toEqual([])
  })

  it('a sign-in after a sign-out that cannot be merged fails alone, and leaves no session', async () => {
    const merge = {
      tags: ({ ours, theirs }: { ours?: unknown; theirs?: unknown }) => [
        ...(theirs as string[]),
        ...(ours as string[]),
      ],
    }
    const { sessions } = world({ merge })
    const begun = await sessions.open('')
    begun.session.data['tags'] = ['x']
    const cookie = received('', await begun.commit())
    const [login, other, logout] = await Promise.all([1, 2, 3].map(() => sessions.open(cookie)))
    logout!.session.destroy()
    await logout!.commit()
    const tags = login!.session.data['tags'] as string[]
    tags.push('y')
    login!.session.signIn('zoë')
    other!.session.data['n'] = 1
    const [first, second] = await Promise.allSettled([login!.commit(), other!.commit()])
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'merge-failed' } })
    expect(second).toMatchObject({ status: 'fulfilled', value: { outcome: 'gone' } })
    expect(await sessions.list('zoë')).toEqual([])
  })

  it('a sign-in beside a sign-out never has the data of the old session, in 60 random schedules', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const made = world({}, 2)
      const [one, two] = made.processes as [Sessions<Data>, Sessions<Data>]
      const cookie = await begin(one, { cart: ['secret'] }, 'ann')
      slowly(made.store, seed)
      const random = randomFrom(seed + 1000)
      const request = async (sessions: Sessions<Data>, act: Act): Promise<Committed> => {
        const opened = await sessions.open(cookie)
        await pause(random(10))
        return committing(opened, act)
      }
      const [out, signed] = await Promise.all([
        request(one, destroy),
        request(seed % 2 ? one : two, (session) => {
          session.data['form'] = 'sent'
          session.signIn('zoë')
        }),
      ])
      expect(signed.failure).toBeNull()
      const seen = await look(two, received('', signed))
      if (seen.state === 'live') {
        // The sign-out came first: the sign-in is another session.
        expect([seed, seen.subject, Object.keys(seen.data)]).toEqual([seed, 'zoë', ['form']])
      } else {
        // The sign-in came first: the sign-out ended that.
        expect([seed, out.outcome]).toEqual([seed, 'destroyed'])
      }
    }
  })
})

describe('rule 6: the commands of a request', () => {
  it('are counted, its load included', async () => {
    const { sessions, store, pass } = world({ lifetime: { rotate: 60 } })
    const counted = async (cookie: string, act?: Act): Promise<[number, string]> => {
      store.commands()
      const { kept } = await visit(sessions, cookie, act)
      return [store.commands().length, kept]
    }
    const change: Act = ({ data }) => (data.visits = (data.visits ?? 0) + 1)
    const [none] = await counted('')
    const [create, first] = await counted('', change)
    const [read] = await counted(first)
    const [save] = await counted(first, change)
    const [renewal, second] = await counted(first, renew)
    pass(121_000)
    const [rotation, third] = await counted(second, change)
    const [firstUse] = await counted(third)
    const [login, fourth] = await counted(third, signIn('zoë'))
    const [readOwned] = await counted(fourth)
    const [signOut] = await counted(third.replace(/=.*/, '='), destroy)
    expect({
      none,
      create,
      read,
      save,
      renewal,
      rotation,
      firstUse,
      login,
      readOwned,
      signOut,
    }).toEqual({
      none: 0,
      create: 1,
      read: 1,
      save: 2,
      renewal: 3,
      rotation: 5,
      firstUse: 2,
      login: 5,
      readOwned: 2,
      signOut: 0,
    })
    const plain = await begin(sessions, { visits: 1 })
    expect((await counted(plain, destroy))[0]).toBe(2)
    const other = await begin(sessions, { visits: 1 })
    store.commands()
    await sessions.destroy(other)
    expect(store.commands()).toEqual(['load', 'delete'])
  })
})
