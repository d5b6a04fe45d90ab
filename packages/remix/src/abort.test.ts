import { createSessions, sum } from '@coatcheck/core'
import type { SessionEvent, SessionOf } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createStaticHandler, RouterContextProvider } from 'react-router'
import { createRouter } from 'remix/fetch-router'
import { createRequestHandler } from '@remix-run/node'
import type { ServerBuild } from '@remix-run/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
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
    headers: { Cookie },
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

afterEach(() => void vi.useRealTimers())

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

    it('design 1.1: what was changed before is there at once, and what comes later is added to it', async () => {
      const { read } = await run(name, async (context, leave) => {
        const session = await get(context)
        session.data.visits = 2
        session.data.cart = ['hat']
        await leave()
        session.data.cart.push('coat')
        session.data.visits = 3
      })
      expect((await read()).data.visits).toBeGreaterThan(1)
      await expect
        .poll(async () => ({ ...(await read()).data }))
        .toEqual({
          visits: 3,
          cart: ['hat', 'coat'],
        })
    })

    it('saves each change once, merged with those of other requests', async () => {
      const { read } = await run(name, async (context, leave) => {
        const session = await get(context)
        session.data.visits = 2
        await leave()
        const { data } = session
        data.visits = 5
      })
      await expect.poll(async () => (await read()).data.visits).toBe(5)
    })

    it('opens a session that is asked for only then', async () => {
      const { read } = await run(name, async (context, leave) => {
        await leave()
        const session = await get(context)
        session.destroy()
      })
      await expect.poll(async () => (await read()).state).toBe('new')
    })

    it('commit(context) saves, and saveLate too', async () => {
      const { read } = await run(name, async (context, leave) => {
        const session = await get(context)
        session.data.visits = 2
        await leave()
        session.data.visits = 3
        // It may have been saved a moment before.
        expect((await commit(context)).failure).toBeNull()
        expect(await saveLate(context, (data) => void (data['cart'] = ['hat']))).toBe('saved')
      })
      expect({ ...(await read()).data }).toEqual({ visits: 3, cart: ['hat'] })
    })

    it('discard(context) drops what was changed before and after it, and a logout is carried out', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout'] })
      const { read, events } = await run(name, async (context, leave, stored) => {
        const session = await get(context)
        session.data.visits = 2
        discard(context)
        await leave()
        session.data.visits = 3
        await vi.advanceTimersByTimeAsync(1000)
        expect({ ...(await stored()).data }).toEqual({ visits: 1 })
        session.destroy()
      })
      await expect.poll(async () => (await read()).state).toBe('new')
      expect(events.filter(({ type }) => type === 'warning')).toEqual([])
    })

    it('a renewal ends the token, which other code may know; what comes later has no reader', async () => {
      const { read, events } = await run(name, async (context, leave) => {
        const session = await get(context)
        await leave()
        session.renew()
        await turn()
        expect(() => (session.data.visits = 7)).toThrow(committed)
      })
      expect((await read()).state).toBe('new')
      expect(events).toContainEqual(said('session.data.visits'))
    })

    it('design 1.3: what comes after a minute is refused, and an event says so', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout'] })
      const { events, read } = await run(name, async (context, leave) => {
        const session = await get(context)
        await leave()
        session.data.visits = 2
        await vi.advanceTimersByTimeAsync(65_000)
        session.data.visits = 3
        await vi.advanceTimersByTimeAsync(1000)
        expect(() => session.destroy()).toThrow(committed)
        expect(() => (session.data.visits = 4)).toThrow(committed)
      })
      expect(events).toContainEqual(said('session.destroy()'))
      expect(events).toContainEqual(said('session.data.visits'))
      expect((await read()).data.visits).toBe(3)
    })
  },
)

const committed = expect.objectContaining({ code: 'committed' }) as Error
const said = (what: string) => ({ type: 'warning', what: expect.stringContaining(what) as string })
