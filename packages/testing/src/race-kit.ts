import { createSessions, sum } from '@coatcheck/core'
import type { Sessions, SessionStore } from '@coatcheck/core'
import type { Actor, Finish, RaceData, Result, Scene } from './race-kit-scenes.ts'
import { first, scenes } from './race-kit-scenes.ts'
import { inEveryOrder } from './race-kit-turnstile.ts'
import type { Gate } from './race-kit-turnstile.ts'
import { check, checkSame } from './store-contract-assert.ts'
import type { TestRunner } from './store-contract.ts'

/** A store for one race, and what the race may do with it. Namespaces are random: it may be shared. */
export interface RacersUnderTest {
  readonly store: SessionStore
  /** The same records over another connection, as another process has them. Default: `store`. */
  another?(): SessionStore
  /** Forgets a record, as an eviction does. Default: deletes it. */
  evict?(id: string): Promise<void>
  /** Called when the test has ended, whatever its end. */
  close?(): Promise<void> | void
}

type Connect = (store: SessionStore) => Sessions<Partial<RaceData>>

/**
 * Describes the races that a session must survive, as tests of your runner: lost updates, logout and login
 * against slow requests, rotation, eviction. Each is run in every order in which the commands of its
 * requests can reach the store, and each request comes from a process of its own. `create` is called
 * once for each test.
 *
 * ```ts
 * import { describe, it } from 'vitest' // or node:test, or bun:test
 * describeRaces('myStore', () => ({ store: myStore() }), { describe, it })
 * ```
 *
 * `describeStore` says whether a store does what it must; this says that sessions on it can be trusted.
 */
export function describeRaces(
  name: string,
  create: () => Promise<RacersUnderTest> | RacersUnderTest,
  runner: TestRunner,
): void {
  const test = (sentence: string, body: (subject: RacersUnderTest) => Promise<void>): void =>
    void runner.it(sentence, async () => {
      const subject = await create()
      try {
        await body(subject)
      } finally {
        await subject.close?.()
      }
    })
  runner.describe(`${name}: races`, () => {
    for (const [sentence, scene] of Object.entries(scenes)) {
      test(sentence, (subject) => playScene(subject, scene))
    }
    test('32 requests in one process that count: 32 are counted', (subject) => crowd(subject, 1))
    test('32 requests in 4 processes that count: 32 are counted', (subject) => crowd(subject, 4))
  })
}

async function playScene(subject: RacersUnderTest, scene: Scene): Promise<void> {
  const connect = connectWith(false)
  const connectDue = connectWith(true)
  const shared = subject.another?.() ?? subject.store
  const evict = async (id: string): Promise<void> =>
    subject.evict === undefined ? void (await subject.store.delete(id)) : subject.evict(id)
  await inEveryOrder(subject.store, async (play, path) => {
    const { cookie, id } = await begin(connect(subject.store))
    const actors = scene.actors(evict)
    const results: Result[] = []
    await play(
      actors.map((actor, at) => async (store, gate) => {
        const sessions = scene.due ? connectDue(store) : connect(store)
        results[at] = await act(actor, sessions, cookie, id, gate)
      }),
    )
    const read = reader(connect(shared))
    await checkPath(() => scene.check({ results, cookie, read }), results, path())
  })
}

/** Says in which order it happened. */
async function checkPath(
  body: () => Promise<void>,
  results: readonly Result[],
  path: string,
): Promise<void> {
  try {
    await body()
  } catch (error) {
    const ends = results.map(({ outcome }) => outcome).join(', ')
    throw new Error(`${(error as Error).message}. The order was: ${path}. They ended: ${ends}`, {
      cause: error,
    })
  }
}

const secret = 'a secret of the race kit, and of nobody else'

/** `due`: more than the minute later at which tokens rotate. */
function connectWith(due: boolean): Connect {
  const ahead = due ? 61_000 : 0
  return (store) =>
    createSessions<RaceData>({
      store,
      secrets: [secret],
      namespace,
      merge: { count: sum },
      now: () => Date.now() + ahead,
      wait: async () => {},
      ...(due ? { lifetime: { rotate: 60 } } : {}),
    })
}

/** Many runs may share a server. */
const run = crypto.getRandomValues(new Uint8Array(8))
const namespace = `races-${run.join('-')}`

async function begin(
  sessions: Sessions<Partial<RaceData>>,
): Promise<{ readonly cookie: string; readonly id: string }> {
  const { session, commit } = await sessions.open('')
  Object.assign(session.data, first)
  const { outcome, cookie } = await commit()
  checkSame(outcome, 'created', 'the first request')
  return { cookie: `${cookie?.name}=${cookie?.value}`, id: session.id as string }
}

async function act(
  actor: Actor,
  sessions: Sessions<Partial<RaceData>>,
  ownCookie: string,
  id: string,
  gate: Gate,
): Promise<Result> {
  if ('behind' in actor) {
    await actor.behind(id, gate)
    return { outcome: 'behind', cookie: null }
  }
  const { session, commit } = await sessions.open(actor.cookie === 'none' ? '' : ownCookie)
  if (session.state === 'new' && actor.cookie !== 'none') {
    await commit()
    return { outcome: 'unchanged', cookie: null }
  }
  actor.handler(session)
  const { outcome, cookie } = await commit()
  return { outcome, cookie: cookie && `${cookie.name}=${cookie.value}` }
}

function reader(sessions: Sessions<Partial<RaceData>>): Finish['read'] {
  return async (cookie) => {
    const { session } = await sessions.open(cookie)
    return { state: session.state, data: { ...session.data } }
  }
}

/** No order is given here: the store's own concurrency decides. */
async function crowd(subject: RacersUnderTest, processes: number): Promise<void> {
  const options = { secrets: [secret], namespace, merge: { count: sum } }
  const all = Array.from({ length: processes }, (_, at) =>
    createSessions<RaceData>({
      ...options,
      store: at === 0 ? subject.store : (subject.another?.() ?? subject.store),
    }),
  )
  const [sessions] = all as [Sessions<Partial<RaceData>>]
  const { cookie } = await begin(sessions)
  const ends = await Promise.all(
    Array.from({ length: 32 }, async (_, at) => {
      const { session, commit } = await (all[at % processes] as typeof sessions).open(cookie)
      session.data['count'] = (session.data['count'] as number) + 1
      return (await commit()).outcome
    }),
  )
  check(
    ends.every((outcome) => outcome === 'saved'),
    `they ended: ${[...new Set(ends)].join(', ')}`,
  )
  checkSame((await reader(sessions)(cookie)).data['count'], 32, 'the count')
}
