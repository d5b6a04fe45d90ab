import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect } from 'vitest'
import type { ExampleEnv, RunningExample, StartExample } from './example-suite-process.ts'
import type { Answer, Visitor } from './example-suite-visitor.ts'
import { createVisitor, visitorWith } from './example-suite-visitor.ts'
import type { MemcachedProcess } from './memcached.ts'
import { commandCount, startMemcached } from './memcached.ts'

/** An example that runs for all tests of one `describe`. */
export interface App {
  readonly url: string
  /** Somebody new. */
  readonly visitor: () => Visitor
  /** Somebody who sends this cookie, `name=value`. */
  readonly visitorWith: (cookie: string) => Visitor
  /** Somebody with a session, which holds `data`. */
  readonly guest: (data?: object) => Promise<Visitor>
}

/** The same with its memcached. */
export interface StoredApp extends App {
  readonly memcached: MemcachedProcess
  /** How many commands memcached carries out meanwhile. */
  readonly count: (run: () => Promise<unknown>) => Promise<number>
}

/** Starts the example before the tests and ends it after them. */
export function useApp(start: StartExample, env: () => ExampleEnv): App {
  let running: RunningExample | undefined
  beforeAll(async () => void (running = await start(env())))
  afterAll(async () => void (await running?.stop()))
  const url = (): string => {
    if (running === undefined) throw new Error('The example is started before the tests')
    return running.url
  }
  return {
    get url() {
      return url()
    },
    visitor: () => createVisitor(url()),
    visitorWith: (cookie) => visitorWith(url(), cookie),
    async guest(data = { coat: 'wool' }) {
      const visitor = createVisitor(url())
      expect((await visitor.patch({ set: data })).status).toBe(200)
      return visitor
    },
  }
}

/** The same, with a memcached of its own. */
export function useStoredApp(start: StartExample, env: ExampleEnv): StoredApp {
  let memcached: MemcachedProcess | undefined
  const server = (): MemcachedProcess => {
    if (memcached === undefined) throw new Error('memcached is started before the tests')
    return memcached
  }
  beforeAll(async () => void (memcached = await startMemcached()))
  afterAll(() => memcached?.kill())
  const app = useApp(start, () => ({ ...env, MEMCACHE_SERVERS: server().address }))
  return {
    get url() {
      return app.url
    },
    visitor: app.visitor,
    visitorWith: app.visitorWith,
    guest: app.guest,
    get memcached() {
      return server()
    },
    async count(run) {
      const before = await server().commands()
      await run()
      return commandCount(before, await server().commands())
    },
  }
}

export interface Overlap {
  /** Still has the cookie from before the race. */
  readonly old: Visitor
  /** Sent the slow request, and has the cookie that it brought, if any. */
  readonly late: Visitor
  /** Sent the quick request, and has its cookie. */
  readonly visitor: Visitor
  readonly slow: Answer
  readonly quick: Answer
}

/**
 * Runs `quick` surely between the reading and the saving of `slow`: had the slow request read too late, or
 * ended too soon, it is done again with more time, by another guest.
 */
export async function overlap(
  app: App,
  slow: (visitor: Visitor, delay: number) => Promise<Answer>,
  quick: (visitor: Visitor) => Promise<Answer>,
): Promise<Overlap> {
  for (let lead = 150; lead <= 2400; lead *= 2) {
    const visitor = await app.guest()
    const old = visitor.copy()
    const late = visitor.copy()
    const race = { hasEnded: false }
    const slowly = slow(late, lead * 4).finally(() => (race.hasEnded = true))
    await sleep(lead)
    const quickAnswer = await quick(visitor)
    const wasInTime = !race.hasEnded
    const slowAnswer = await slowly
    const hadRead = slowAnswer.view.state === 'live' && !('quick' in slowAnswer.view.data)
    if (wasInTime && hadRead) return { old, late, visitor, slow: slowAnswer, quick: quickAnswer }
  }
  throw new Error('No slow request was overtaken by a quick one: does the example keep to delay?')
}
