import { createSessions, sum } from '@coatcheck/core'
import type { Sessions, SessionStore } from '@coatcheck/core'
import type { Participant, Ended, RaceData, Result, Scenario } from './scenarios.ts'
import { initialData, scenarios } from './scenarios.ts'
import { inEveryOrder } from './schedule.ts'
import type { Pause, Step } from './schedule.ts'
import { check, checkSame } from '../assert.ts'
import type { TestRunner } from '../runner.ts'

/** A store for one test, and what the test can do with it. Namespaces are random: tests can share a server. */
export interface RaceStore {
  readonly store: SessionStore
  /** The same records over another connection, like that of another process. Default: `store`. */
  another?(): SessionStore
  /** Removes a record like an eviction. Default: deletes it. */
  evict?(id: string): Promise<void>
  /** Called after the test, also if it failed. */
  close?(): Promise<void> | void
}

type Connect = (store: SessionStore, pause?: Pause) => Sessions<Partial<RaceData>>

/**
 * Defines tests of the races that a session must survive, with your test runner: lost updates, logout and
 * login during slow requests, rotation, eviction. Each race runs in every order in which the commands of its
 * requests can reach the store, and each request runs in its own simulated process. Calls `create` once for
 * each test.
 *
 * ```ts
 * import { describe, it } from 'vitest' // or node:test, or bun:test
 * describeRaces('myStore', () => ({ store: myStore() }), { describe, it })
 * ```
 *
 * `describeStore` tests a store on its own; `describeRaces` tests sessions on top of it.
 */
export function describeRaces(
  name: string,
  create: () => Promise<RaceStore> | RaceStore,
  runner: TestRunner,
): void {
  const test = (sentence: string, body: (subject: RaceStore) => Promise<void>): void =>
    void runner.it(sentence, async () => {
      const subject = await create()
      try {
        await body(subject)
      } finally {
        await subject.close?.()
      }
    })
  runner.describe(`${name}: races`, () => {
    for (const [sentence, scenario] of Object.entries(scenarios)) {
      test(sentence, (subject) => runScenario(subject, scenario))
    }
    test('32 requests in one process that count: 32 are counted', (subject) =>
      countAtOnce(subject, 1))
    test('32 requests in 4 processes that count: 32 are counted', (subject) =>
      countAtOnce(subject, 4))
  })
}

async function runScenario(subject: RaceStore, scenario: Scenario): Promise<void> {
  const connect = connectWith(false)
  const connectDue = connectWith(true)
  const shared = subject.another?.() ?? subject.store
  const evict = async (id: string): Promise<void> =>
    subject.evict === undefined ? void (await subject.store.delete(id)) : subject.evict(id)
  await inEveryOrder(subject.store, async (run, order) => {
    const { cookie, id } = await begin(connect(subject.store))
    const participants = scenario.participants(evict)
    const results: Result[] = []
    await run(
      participants.map((participant, at) => async (store, step, pause) => {
        const sessions = (scenario.due ? connectDue : connect)(store, pause)
        results[at] = await act(participant, sessions, cookie, id, step)
      }),
    )
    const read = reader(connect(shared))
    await checkInOrder(() => scenario.check({ results, cookie, read }), results, order())
  })
}

/** Adds the order of the commands and the outcomes to a failure. */
async function checkInOrder(
  body: () => Promise<void>,
  results: readonly Result[],
  order: string,
): Promise<void> {
  try {
    await body()
  } catch (error) {
    const outcomes = results.map(({ outcome }) => outcome).join(', ')
    throw new Error(
      `${(error as Error).message}. The order was: ${order}. The outcomes: ${outcomes}`,
      {
        cause: error,
      },
    )
  }
}

const secret = 'a secret that only the race tests use'

/** `due`: a clock more than a minute ahead, and tokens that rotate every minute. */
function connectWith(due: boolean): Connect {
  const ahead = due ? 61_000 : 0
  return (store, pause = async () => {}) =>
    createSessions<RaceData>({
      store,
      secrets: [secret],
      namespace,
      merge: { count: sum },
      testing: { now: () => Date.now() + ahead, wait: pause },
      ...(due ? { lifetime: { rotate: 60 } } : {}),
    })
}

/** Several runs can share a server. */
const runId = crypto.getRandomValues(new Uint8Array(8))
const namespace = `races-${runId.join('-')}`

async function begin(
  sessions: Sessions<Partial<RaceData>>,
): Promise<{ readonly cookie: string; readonly id: string }> {
  const { session, commit } = await sessions.open('')
  Object.assign(session.data, initialData)
  const { outcome, cookie } = await commit()
  checkSame(outcome, 'created', 'the initialData request')
  return { cookie: `${cookie?.name}=${cookie?.value}`, id: session.id as string }
}

async function act(
  participant: Participant,
  sessions: Sessions<Partial<RaceData>>,
  ownCookie: string,
  id: string,
  step: Step,
): Promise<Result> {
  if ('direct' in participant) {
    await participant.direct(id, step)
    return { outcome: 'direct', cookie: null }
  }
  const { session, commit } = await sessions.open(participant.cookie === 'none' ? '' : ownCookie)
  if (session.state === 'new' && participant.cookie !== 'none' && !participant.always) {
    await commit()
    return { outcome: 'unchanged', cookie: null }
  }
  participant.handler(session)
  const { outcome, cookie } = await commit()
  return { outcome, cookie: cookie && `${cookie.name}=${cookie.value}` }
}

function reader(sessions: Sessions<Partial<RaceData>>): Ended['read'] {
  return async (cookie) => {
    const { session } = await sessions.open(cookie)
    return { state: session.state, data: { ...session.data } }
  }
}

/** Here the store's own concurrency decides the order. */
async function countAtOnce(subject: RaceStore, processes: number): Promise<void> {
  const options = { secrets: [secret], namespace, merge: { count: sum } }
  const all = Array.from({ length: processes }, (_, at) =>
    createSessions<RaceData>({
      ...options,
      store: at === 0 ? subject.store : (subject.another?.() ?? subject.store),
    }),
  )
  const [sessions] = all as [Sessions<Partial<RaceData>>]
  const { cookie } = await begin(sessions)
  const outcomes = await Promise.all(
    Array.from({ length: 32 }, async (_, at) => {
      const { session, commit } = await (all[at % processes] as typeof sessions).open(cookie)
      session.data['count'] = (session.data['count'] as number) + 1
      return (await commit()).outcome
    }),
  )
  check(
    outcomes.every((outcome) => outcome === 'saved'),
    `the outcomes: ${[...new Set(outcomes)].join(', ')}`,
  )
  checkSame((await reader(sessions)(cookie)).data['count'], 32, 'the count')
}
