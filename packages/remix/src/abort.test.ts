import { createSessions, sum } from '@coatcheck/core'
import type { SessionEvent, SessionOf } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createStaticHandler, RouterContextProvider } from 'react-router'
import { createRouter } from 'remix/fetch-router'
import { createRequestHandler } from '@remix-run/node'
import type { ServerBuild } from '@remix-run/node'
import { describe, expect, it } from 'vitest'
import { commit, discard, getSession, saveLate, sessionMiddleware } from './index.ts'
import { withSession } from './remix-2.ts'

interface Data {
  user: string
  visits: number
  cart: string[]
}

type Act = (context: unknown, request: Request) => Promise<void>
type Read = () => Promise<SessionOf<Sessions>>
type Sessions = ReturnType<typeof create>

function create(onEvent: (event: SessionEvent) => void) {
  return createSessions<Data>({
    store: memoryStore(),
    cookie: { plainHttp: true },
    merge: { visits: sum },
    onEvent,
  })
}

/** As the servers of React Router do it: what `query` throws is answered by a 500. */
async function reactRouter(sessions: Sessions, request: Request, act: Act): Promise<Response> {
  const { query } = createStaticHandler([
    {
      id: 'root',
      path: '/',
      middleware: [sessionMiddleware(sessions) as never],
      action: ({ context }) => act(context, request).then(() => null),
    },
  ])
  const answer: unknown = await query(request, {
    requestContext: new RouterContextProvider(),
    generateMiddlewareResponse: async (run) => {
      try {
        const result: unknown = await run(request)
        return result instanceof Response ? result : new Response()
      } catch {
        return new Response(null, { status: 500 })
      }
    },
  })
  return answer as Response
}

async function remix2(sessions: Sessions, request: Request, act: Act): Promise<Response> {
  const route = {
    id: 'root',
    path: '',
    module: {
      action: ({ context }: { context: object }) => act(context, request).then(() => null),
    },
  }
  const build = {
    routes: { root: route },
    entry: { module: { default: () => new Response(), handleError: () => {} } },
    assets: { routes: {} },
    future: {},
    isSpaMode: false,
    publicPath: '/',
    assetsBuildDirectory: '',
    mode: 'production',
  } as unknown as ServerBuild
  return withSession(sessions, createRequestHandler(build, 'production'))(request)
}

async function remix3(sessions: Sessions, request: Request, act: Act): Promise<Response> {
  const router = createRouter({ middleware: [sessionMiddleware(sessions)] })
  router.post('/', async (context) => {
    await act(context, request)
    return new Response()
  })
  return router.fetch(request).catch(() => new Response(null, { status: 500 }))
}

const frameworks = { reactRouter, remix2, remix3 }

/** Runs an action whose visitor goes when it calls `leave`, and goes on once the answer is there. */
async function run(
  framework: keyof typeof frameworks,
  act: (context: unknown, leave: () => Promise<unknown>, read: Read) => Promise<void>,
  isNew = false,
) {
  const events: SessionEvent[] = []
  const sessions = create((event) => void events.push(event))
  const first = await sessions.open(null)
  first.session.signIn('ada')
  first.session.data.visits = 1
  const { cookie } = await first.commit()
  const Cookie = `${cookie?.name}=${cookie?.value}`
  events.length = 0

  const read: Read = async () => (await sessions.open(Cookie)).session
  const gone = new AbortController()
  const request = new Request('http://localhost/', {
    method: 'POST',
    body: 'a=b',
    headers: isNew ? {} : { Cookie },
    signal: gone.signal,
  })
  const acted = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  const leave = async (): Promise<unknown> => {
    // As by the server, in a turn of its own.
    await turn()
    gone.abort()
    return answered.promise
  }
  const answer = frameworks[framework](sessions, request, (context) => {
    const acting = act(context, leave, read)
    acting.then(acted.resolve, acted.reject)
    return acting
  })
  await answer
  answered.resolve()
  await acted.promise
  return { sessions, events, read, Cookie }
}

const get = (context: unknown) => getSession<Sessions>(context)
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

describe.each(['reactRouter', 'remix2', 'remix3'] as const)(
  'a visitor who has gone, %s',
  (name) => {
    it('design 1.2: a logout is carried out, though the answer has left', async () => {
      const { read, sessions } = await run(name, async (context, leave) => {
        const session = await get(context)
        await leave()
        session.destroy()
      })
      await expect.poll(async () => (await read()).state).toBe('new')
      expect(await sessions.list('ada')).toEqual([])
    })

    it('design 1.1: what was changed before is saved', async () => {
      const { read } = await run(name, async (context, leave, stored) => {
        const session = await get(context)
        session.data.visits = 2
        session.data.cart = ['hat']
        await leave()
        expect({ ...(await stored()).data }).toEqual({ visits: 2, cart: ['hat'] })
      })
      expect({ ...(await read()).data }).toEqual({ visits: 2, cart: ['hat'] })
    })

    it('design 1.3: what is changed later is refused, and an event says so', async () => {
      const { events, read } = await run(name, async (context, leave) => {
        const session = await get(context)
        await leave()
        expect(() => (session.data.visits = 7)).toThrow(committed)
        expect(() => session.signIn('zoë')).toThrow(committed)
        expect(() => session.renew()).toThrow(committed)
      })
      for (const what of ['session.data.visits', 'session.signIn()', 'session.renew()']) {
        expect(events).toContainEqual(said(what))
      }
      const { subject, data } = await read()
      expect([subject, data.visits]).toEqual(['ada', 1])
    })

    it('saveLate(context, change) saves later changes, merged with those of other requests', async () => {
      const { read } = await run(name, async (context, leave) => {
        await get(context)
        await leave()
        expect(await saveLate(context, (data) => void (data['cart'] = ['hat']))).toBe('saved')
      })
      expect({ ...(await read()).data }).toEqual({ visits: 1, cart: ['hat'] })
    })

    it('carries out a logout of a session that is asked for only then', async () => {
      const { read } = await run(name, async (context, leave) => {
        await leave()
        const session = await get(context)
        session.destroy()
      })
      await expect.poll(async () => (await read()).state).toBe('new')
    })

    it('carries out a logout of what the action itself has signed in', async () => {
      for (const isNew of [true, false]) {
        const { sessions } = await run(
          name,
          async (context, leave) => {
            const session = await get(context)
            session.signIn('zoë')
            await leave()
            session.destroy()
          },
          isNew,
        )
        await expect.poll(() => sessions.list('zoë')).toEqual([])
      }
    })

    it('carries out a logout of a session that was committed, or whose changes are dropped', async () => {
      for (const act of [commit, discard] as const) {
        const { read } = await run(name, async (context, leave) => {
          const session = await get(context)
          session.data.visits = 2
          await act(context)
          await leave()
          session.destroy()
        })
        await expect.poll(async () => (await read()).state).toBe('new')
      }
    })
  },
)

const committed = expect.objectContaining({ code: 'committed' }) as Error
const said = (what: string) => ({ type: 'warning', what: expect.stringContaining(what) as string })
