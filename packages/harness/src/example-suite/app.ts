import { setTimeout as sleep } from 'node:timers/promises'
import { createCookieJar } from '@coatcheck/testing'
import { afterAll, beforeAll, expect } from 'vitest'
import type { ExampleEnv, RunningExample, StartExample } from './process.ts'
import type { Answer, Visitor } from './visitor.ts'
import { createVisitor } from './visitor.ts'
import type { SessionServer, StartServer } from './session-server.ts'

/** An example that runs during the tests of one `describe`. */
export interface App {
  readonly url: string
  /** Creates a visitor without cookies. */
  readonly visitor: () => Visitor
  /** Creates a visitor with this cookie: `name=value`. */
  readonly visitorWith: (cookie: string) => Visitor
  /** Creates a visitor with a session that holds `data`. */
  readonly guest: (data?: object) => Promise<Visitor>
}

/** An example whose sessions are on a server. */
export interface StoredApp extends App {
  readonly server: SessionServer
  /** The number of commands that the server executes during `run`. */
  readonly count: (run: () => Promise<unknown>) => Promise<number>
}

/** Starts the example before the tests, and stops it after them. */
export function useApp(start: StartExample, env: () => ExampleEnv): App {
  let running: RunningExample | undefined
  beforeAll(async () => void (running = await start(env())))
  afterAll(async () => void (await running?.stop()))
  const url = (): string => {
    if (running === undefined)
      throw new Error('The example starts before the tests: use app.url inside a test')
    return running.url
  }
  return {
    get url() {
      return url()
    },
    visitor: () => createVisitor(url()),
    visitorWith: (cookie) => createVisitor(url(), createCookieJar(cookie)),
    async guest(data = { coat: 'wool' }) {
      const visitor = createVisitor(url())
      expect((await visitor.patch({ set: data })).status).toBe(200)
      return visitor
    },
  }
}

/** Like `useApp`, with a server of sessions for this example alone. */
export function useStoredApp(
  start: StartExample,
  env: ExampleEnv,
  startServer: StartServer,
): StoredApp {
  let started: SessionServer | undefined
  const server = (): SessionServer => {
    if (started === undefined)
      throw new Error('The server starts before the tests: use app.server inside a test')
    return started
  }
  beforeAll(async () => void (started = await startServer()))
  afterAll(() => started?.end())
  const app = useApp(start, () => ({ ...env, ...server().env }))
  return {
    get url() {
      return app.url
    },
    visitor: app.visitor,
    visitorWith: app.visitorWith,
    guest: app.guest,
    get server() {
      return server()
    },
    async count(run) {
      const before = await server().commands()
      await run()
      return (await server().commands()) - before
    },
  }
}

export interface Overlap {
  /** Has the cookie from before the race. */
  readonly old: Visitor
  /** Sent the slow request, and has the cookie that its response set, if any. */
  readonly late: Visitor
  /** Sent the quick request, and has its cookie. */
  readonly visitor: Visitor
  readonly slow: Answer
  readonly quick: Answer
}

/**
 * Runs `quick` after the slow request has read its session and before it saves. If the slow request read too late
 * or ended too soon, tries again with another guest and more time.
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
  throw new Error(
    'The quick request never ended during the slow one: does the example implement `delay`?',
  )
}
