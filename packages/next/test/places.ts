import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { commandCount, startMemcached } from '@coatcheck/harness/memcached'
import type { ExampleEnv, RunningExample, StartExample } from '@coatcheck/harness/example-suite'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import type { Answer, Visitor } from './visitor.ts'
import { createVisitor } from './visitor.ts'

/** The app of fixtures/places, running, with a memcached of its own. */
export interface Places {
  readonly url: string
  readonly memcached: MemcachedProcess
  /** Without a session. */
  readonly visitor: () => Visitor
  /** With a session, which holds `{ n: 1 }`. */
  readonly guest: () => Promise<Visitor>
  /** The data of the visitor's session. */
  readonly dataOf: (visitor: Visitor) => Promise<Readonly<Record<string, unknown>>>
  /** How many commands memcached carries out meanwhile, and the answer. */
  readonly count: (run: () => Promise<Answer>) => Promise<readonly [number, Answer]>
  /** Starts one more process of the app, on the same memcached, until the test ends. Returns its address. */
  readonly another: (env?: ExampleEnv) => Promise<string>
  /** What was noted after a response. */
  readonly noted: (place: string) => Promise<Readonly<Record<string, unknown>> | undefined>
}

export function usePlaces(start: () => StartExample): Places {
  let memcached: MemcachedProcess | undefined
  let running: RunningExample | undefined
  beforeAll(async () => {
    memcached = await startMemcached()
    running = await start()({ MEMCACHE_SERVERS: memcached.address })
  })
  afterAll(async () => {
    await running?.stop()
    await memcached?.kill()
  })
  const server = (): MemcachedProcess => memcached as MemcachedProcess
  const url = (): string => (running as RunningExample).url
  return {
    get url() {
      return url()
    },
    get memcached() {
      return server()
    },
    visitor: () => createVisitor(url()),
    async guest() {
      const visitor = createVisitor(url())
      await visitor.post('/routes/change')
      return visitor
    },
    async dataOf(visitor) {
      const { found } = await visitor.get('/page')
      return (found as { data: Record<string, unknown> }).data
    },
    async count(run) {
      const before = await server().commands()
      const answer = await run()
      return [commandCount(before, await server().commands()), answer]
    },
    async another(env = {}) {
      const { url, stop } = await start()({ MEMCACHE_SERVERS: server().address, ...env })
      onTestFinished(async () => void (await stop()))
      return url
    },
    async noted(place) {
      const { found } = await createVisitor(url()).get('/routes/log')
      return (found as Record<string, unknown>[]).find((note) => note['place'] === place)
    },
  }
}
