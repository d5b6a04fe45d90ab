import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Session } from '../session/session.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionStore } from '../store/store.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

type Data = Partial<{ name: string; count: number }>
type Act = (session: Session<Data>, name: string) => void

const secrets = ['a secret that is 32 characters long']
const names = Array.from({ length: 10 }, (_, index) => `visitor ${index}`)

const acts: { readonly [what: string]: Act } = {
  nothing: () => {},
  read: ({ data }) => void data.name,
  change: ({ data }, name) => void Object.assign(data, { name, count: (data.count ?? 0) + 1 }),
  'sign in': ({ data, signIn }, name) => {
    data.name = name
    signIn(name)
  },
  renew: ({ renew }) => renew(),
  'sign out': ({ destroy }) => destroy({ clearSiteData: ['cache'] }),
  discard: ({ discard }) => discard(),
}

const ways = ['returned', 'thrown', 'by onFailure', 'applied'] as const

const oneRequest = fc.record({
  visitor: fc.nat(9),
  act: fc.constantFrom(...Object.keys(acts)),
  way: fc.constantFrom(...ways),
  isStranger: fc.boolean(),
})

const headers = {
  Location: '/',
  Vary: 'Accept',
  'Server-Timing': 'db;dur=5',
  'Clear-Site-Data': '"storage"',
  'Cache-Control': 'public, max-age=60',
  'Set-Cookie': 'theme=dark',
}

/** One object of the app; frozen, every way to change it, or its headers, throws. */
function constant(isFrozen: boolean): Response {
  const response = new Response(null, { status: 303, headers })
  if (!isFrozen) return response
  const refuse = (): never => {
    throw new Error('the response of the app was changed')
  }
  Object.assign(response.headers, { append: refuse, set: refuse, delete: refuse })
  Object.freeze(response.headers)
  return Object.freeze(response)
}

function requestWith(cookie: string): Request {
  return new Request('https://app.example/', { headers: { Cookie: cookie } })
}

/** The cookie of a new session. */
async function begin(sessions: Sessions<Data>, name: string): Promise<string> {
  return cookieOf(
    await sessions.handle(requestWith(''), ({ data }) => {
      data.name = name
      return new Response()
    }),
  )
}

function cookieOf(response: Response): string {
  const line = response.headers.getSetCookie().find((each) => each.startsWith('__Host-'))
  return line?.split(';')[0] ?? ''
}

interface Weather {
  /** How many turns of the event loop the next command waits. */
  readonly wait: () => number
  readonly fails: () => boolean
}

/** A store whose requests overtake each other, and are lost at times. */
function through(weather: Weather, store: SessionStore): SessionStore {
  const late = async <result>(command: () => Promise<result>): Promise<result> => {
    for (let turn = weather.wait(); turn > 0; turn--) await setImmediate()
    if (weather.fails()) throw new Error('away')
    return command()
  }
  return {
    load: (...args) => late(() => store.load(...args)),
    create: (...args) => late(() => store.create(...args)),
    save: (...args) => late(() => store.save(...args)),
    delete: (...args) => late(() => store.delete(...args)),
  }
}

/** One request, answered with `shared` in one of the ways that an app can. */
async function answer(
  sessions: Sessions<Data>,
  cookie: string,
  way: (typeof ways)[number],
  act: (session: Session<Data>) => void,
  shared: Response,
): Promise<Response> {
  if (way === 'applied') {
    const { session, commit } = await sessions.open(requestWith(cookie))
    act(session)
    return (await commit()).applyTo(shared)
  }
  const handler = (session: Session<Data>): Response => {
    act(session)
    if (way === 'thrown') throw shared
    return way === 'returned' ? shared : new Response('done')
  }
  const options = { onFailure: () => (way === 'by onFailure' ? shared : undefined) }
  const response = sessions.handle(requestWith(cookie), handler, options)
  return way === 'thrown' ? response.catch((thrown: Response) => thrown) : response
}

describe('one response for many visitors', () => {
  it('A1: a hundred interleaved requests of ten visitors: no cookie of another, and nothing piles up', async () => {
    const requests = fc.array(oneRequest, { minLength: 100, maxLength: 100 })
    const delays = fc.array(fc.nat(4), { minLength: 50, maxLength: 50 })
    const faults = fc.array(fc.nat(7), { minLength: 30, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(
        requests,
        delays,
        faults,
        fc.boolean(),
        async (each, turns, chances, isFrozen) => {
          const records = memoryStore()
          const calm = createSessions<Data>({ store: records, secrets })
          let command = 0
          const store = through(
            {
              wait: () => turns[command++ % turns.length] as number,
              fails: () => chances[command % chances.length] === 0,
            },
            records,
          )
          const sessions = createSessions<Data>({
            store,
            secrets,
            explain: true,
            onEvent: () => {},
          })
          const cookies = await Promise.all(names.map((name) => begin(calm, name)))
          const shared = constant(isFrozen)
          await Promise.all(
            each.map(async ({ visitor, act, way, isStranger }) => {
              const name = isStranger ? null : (names[visitor] as string)
              const cookie = isStranger ? '' : (cookies[visitor] as string)
              const run = acts[isStranger ? 'read' : act] as Act
              const acting = (session: Session<Data>): void => run(session, name ?? '')
              await check(calm, await answer(sessions, cookie, way, acting, shared), name)
            }),
          )
          expect([...shared.headers]).toEqual([...new Response(null, { headers }).headers])
        },
      ),
      { numRuns: 10 },
    )
  })
})

/** Whether the response has what one request may add, once, and a cookie of no other visitor. */
async function check(
  sessions: Sessions<Data>,
  response: Response,
  name: string | null,
): Promise<void> {
  const own = response.headers
  expect(own.getSetCookie().length).toBeLessThanOrEqual(2)
  expect(own.get('Server-Timing')).toMatch(/^(db;dur=5, )?session;desc="[a-z]+"$/)
  expect(own.get('Vary') ?? '').toMatch(/^(Accept)?(, )?(Cookie)?$/)
  expect(own.get('Clear-Site-Data') ?? '').toMatch(/^("storage")?(, )?("cache")?$/)
  const cookie = cookieOf(response)
  if (cookie === '') return
  expect(own.get('Cache-Control')).toBe('private, no-store')
  expect(name).not.toBeNull()
  const { session } = await sessions.open(cookie)
  expect([undefined, name]).toContain(session.data.name)
}

type Bad = [what: string, response: () => unknown, message: string]

const noResponses: Bad[] = [
  ['undefined', () => undefined, 'The handler must return a Response'],
  ['a text', () => 'done', 'The handler must return a Response'],
]

const unusable: Bad[] = [
  ['Response.error()', () => Response.error(), 'such as Response.error()'],
  ['a status of 101', () => ({ status: 101, headers: new Headers() }), 'sessions.open)'],
  ['a body that is being read', lockedResponse, 'return a new Response for each request'],
]

function lockedResponse(): Response {
  const response = new Response('page')
  response.body?.getReader()
  return response
}

/** Runs a handler through `handle`, or through the parts that adapters use. */
const runs: { readonly [way: string]: Runner } = {
  handle: (sessions, request, act, response) =>
    sessions.handle(request, (session) => {
      act(session)
      return response as Response
    }),
  'lazy.around': (sessions, request, act, response) => {
    const lazy = sessions.lazy(request)
    return lazy.around(async () => {
      act(await lazy.get())
      return response as Response
    })
  },
  'lazy.answer': async (sessions, request, act, response) => {
    const lazy = sessions.lazy(request)
    act(await lazy.get())
    return lazy.answer(response as Response)
  },
}

const throwing: Runner = (sessions, request, act, response) =>
  sessions.handle(request, (session) => {
    act(session)
    throw response
  })

type Runner = (
  sessions: Sessions<Data>,
  request: Request,
  act: (session: Session<Data>) => void,
  response: unknown,
) => Promise<Response>

describe('C3: an answer that cannot carry the session', () => {
  const cases = Object.entries(runs).flatMap(([way, run]) =>
    [...noResponses, ...unusable].map(([what, ...rest]) => ({ way, run, what, rest })),
  )
  const thrown = unusable.map(([what, ...rest]) => ({ way: 'thrown', run: throwing, what, rest }))

  it.each([...cases, ...thrown])(
    'is an error of the handler: $what, $way',
    async ({ run, rest }) => {
      const [response, message] = rest
      const sessions = createSessions<Data>({ store: memoryStore() })
      const cookie = await begin(sessions, 'ada')
      const moves: ((session: Session<Data>) => void)[] = [
        ({ renew }) => renew(),
        ({ signIn }) => signIn('ada'),
        ({ data }) => void (data.count = 1),
      ]
      for (const act of moves) {
        const answered = run(sessions, requestWith(cookie), act, response())
        const error = (await answered.catch((reason: unknown) => reason)) as Error
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toContain(message)
        expect(error.message).toContain('The changes of the session are dropped')
        expect({ ...(await sessions.open(cookie)).session.data }).toEqual({ name: 'ada' })
      }
      await expect(
        run(sessions, requestWith(cookie), ({ destroy }) => destroy(), response()),
      ).rejects.toThrow(message)
      expect((await sessions.open(cookie)).session.state).toBe('new')
    },
  )

  it('is found before the commit if its body has been read', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const cookie = await begin(sessions, 'ada')
    const upstream = await fetch('data:text/plain,hello')
    await upstream.text()
    await expect(
      sessions.handle(requestWith(cookie), ({ renew }) => {
        renew()
        return upstream
      }),
    ).rejects.toThrow('The response body has been read')
    expect((await sessions.open(cookie)).session.data.name).toBe('ada')
  })

  it.each([...noResponses, ...unusable])(
    'passes if the session was not asked for: %s',
    async (_what, response) => {
      const store = memoryStore()
      const sessions = createSessions<Data>({ store })
      const given = response()
      const lazy = (): ReturnType<typeof sessions.lazy> => sessions.lazy(requestWith(''))
      expect(await lazy().answer(given as Response)).toBe(given)
      expect(await lazy().around(() => given as Response)).toBe(given)
    },
  )

  it('is not looked for if the session was not asked for', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    const untouchable = new Proxy(new Response(), {
      get: (_target, name) => {
        // An await asks for it.
        if (name !== 'then') throw new Error(`${String(name)} was read`)
      },
    })
    expect((await sessions.lazy(requestWith('')).answer(untouchable)) === untouchable).toBe(true)
  })

  it('is reported after the store failed, too', async () => {
    const away = { ...memoryStore(), delete: () => Promise.reject(new Error('away')) }
    const sessions = createSessions<Data>({ store: away, unavailable: 'throw', onEvent: () => {} })
    const cookie = await begin(sessions, 'ada')
    const answered = sessions.handle(requestWith(cookie), ({ destroy }) => {
      destroy()
      return undefined as unknown as Response
    })
    await expect(answered).rejects.toThrow('The handler must return a Response')
  })

  it('says that its headers are lost if the app has committed before', async () => {
    const sessions = createSessions<Data>({ store: memoryStore() })
    for (const response of [undefined, Response.error()]) {
      const lazy = sessions.lazy(requestWith(''))
      ;(await lazy.get()).data.name = 'ada'
      await lazy.commit()
      const answered = lazy.answer(response as Response)
      await expect(answered).rejects.toThrow('The session is committed already')
    }
  })

  it('is refused from onFailure', async () => {
    const away = { ...memoryStore(), create: () => Promise.reject(new Error('away')) }
    const sessions = createSessions<Data>({ store: away, onEvent: () => {} })
    const sorry = new Response('sorry')
    await sorry.text()
    const answered = sessions.handle(
      requestWith(''),
      ({ data }) => {
        data.name = 'ada'
        return new Response('done')
      },
      { onFailure: () => sorry },
    )
    await expect(answered).rejects.toThrow('The response body has been read')
  })
})
