import type { Case } from '../case.ts'
import { equal, fails, holds } from '../check.ts'
import { brokenStore, cookieOf, request, setUp } from '../desk.ts'

const one = ({ data }: { readonly data: Record<string, unknown> }): void => void (data['a'] = 1)
/** What a runtime prints errors with. */
const host = globalThis as unknown as { console: { error: (line: string) => void } }

const known = `__Host-Http-sid=${'A'.repeat(43)}`
const fault = (code: string): Error => Object.assign(new Error('set up wrongly'), { code })

const failures: readonly Omit<Case, 'feature'>[] = [
  {
    name: 'an outage is not a logout: the session is unavailable, and no cookie is cleared',
    async run(world) {
      const { visit } = setUp(world, { store: brokenStore() })
      const { state, committed } = await visit(known)
      equal([state, committed.cookie], ['unavailable', null])
    },
  },
  {
    name: 'a change that is lost in an outage is a failure',
    async run(world) {
      const { visit } = setUp(world, { store: brokenStore() })
      const { committed } = await visit(known, one)
      equal(committed.failure, { outcome: 'unavailable', asked: 'change' })
    },
  },
  ...(['signIn', 'destroy'] as const).map((act) => ({
    name: `${act} in an outage is answered 503 with Retry-After`,
    async run(world: Parameters<Case['run']>[0]) {
      const { sessions } = setUp(world, { store: brokenStore(), testing: { wait: noWait } })
      const response = await sessions.handle(request(known), (session) => {
        session[act]('ada' as never)
        return new Response('done')
      })
      equal(response.status, 503)
      holds(response.headers.has('Retry-After'), 'Retry-After')
    },
  })),
  {
    name: 'onFailure chooses the response',
    async run(world) {
      const onFailure = ({ asked }: { asked: string }) => new Response(asked, { status: 418 })
      const { sessions } = setUp(world, { store: brokenStore(), onFailure })
      const response = await sessions.handle(request(known), (session) => {
        one(session)
        return new Response('done')
      })
      equal([response.status, await response.text()], [418, 'change'])
    },
  },
  {
    name: "unavailable: 'throw' throws",
    async run(world) {
      const { sessions } = setUp(world, { store: brokenStore(), unavailable: 'throw' })
      await fails(() => sessions.open(known), 'unavailable')
    },
  },
  ...['config', 'auth'].map((code) => ({
    name: `a store that is set up wrongly (${code}) is no outage: its error is thrown`,
    async run(world: Parameters<Case['run']>[0]) {
      const { sessions } = setUp(world, { store: brokenStore(fault(code)) })
      await fails(() => sessions.open(known), code)
    },
  })),
  {
    name: 'a fault of the store is printed once if no listener is set',
    async run({ core }) {
      const lines: string[] = []
      const { error } = host.console
      host.console.error = (line) => void lines.push(line)
      try {
        const store = brokenStore(fault('runtime-suite'))
        const sessions = core.createSessions({ store, secrets: 'none' })
        for (let each = 0; each < 3; each++) await sessions.open(known)
      } finally {
        host.console.error = error
      }
      equal(lines.filter((line) => line.includes('runtime-suite')).length, 1)
    },
  },
  ...[
    { secrets: ['short'] },
    { cookie: { sameSite: 'none', plainHttp: true } },
    { misspelt: 1 },
  ].map((options) => ({
    name: `the option ${Object.keys(options)[0]} is refused if it cannot work`,
    async run({ core, memory }: Parameters<Case['run']>[0]) {
      const store = memory.memoryStore()
      await fails(() => core.createSessions({ store, ...(options as object) }), 'invalid-option')
    },
  })),
  {
    name: 'plainHttp, per-request and a store without servers read no environment that is closed',
    async run({ core, memory, tcp }) {
      for (const cookie of [{ plainHttp: true }, { secure: 'per-request' }] as const) {
        const sessions = core.createSessions({ store: memory.memoryStore(), cookie })
        const plain = new Request('http://localhost/')
        const response = await sessions.handle(plain, (session) => {
          one(session)
          return new Response()
        })
        equal(cookieOf(response).startsWith('sid='), true)
      }
      tcp?.memcached.memcachedStore().close()
    },
  },
]

function noWait(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

export const failureCases: readonly Case[] = failures.map((each) => ({
  feature: 'failures',
  ...each,
}))
