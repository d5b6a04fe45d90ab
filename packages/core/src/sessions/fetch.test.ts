import { describe, expect, expectTypeOf, it } from 'vitest'
import { createFakeStore, start } from '../../test/fakes/context.ts'
import type { SessionsOptions } from '../settings/options.ts'
import { createSessions } from './sessions.ts'

interface Data {
  n: number
}

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = { now: start }
  const now = (): number => clock.now
  const store = createFakeStore(now)
  const testing = { now, wait: async () => {} }
  const sessions = createSessions<Data>({ store, testing, ...options })
  const create = sessions.fetch(async (_request, session) => {
    const { data } = await session.get()
    data.n = 1
    return new Response()
  })
  return {
    clock,
    store,
    sessions,
    commands: () => store.log.splice(0).map(([name]) => name),
    async begin(): Promise<string> {
      const cookie = cookieOf(await create(requestOf('')))
      store.log.length = 0
      return cookie
    },
    read: async (cookie: string) =>
      store.elsewhere(async () => {
        const { session } = await sessions.open(cookie)
        return [session.state, session.data.n]
      }),
  }
}

function requestOf(cookie: string): Request {
  return new Request('https://app.example/', { headers: { Cookie: cookie } })
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

describe('sessions.fetch', () => {
  it('saves what changed, and the response has the cookie', async () => {
    const { begin, read } = setUp()
    expect(await read(await begin())).toEqual(['live', 1])
  })

  it('makes no trip, and leaves the response alone, if the session is not asked for', async () => {
    const { sessions, begin, commands } = setUp()
    const cookie = await begin()
    const page = new Response('public')
    const fetch = sessions.fetch(() => page)
    expect(await fetch(requestOf(cookie))).toBe(page)
    expect(commands()).toEqual([])
  })

  it('passes on what the server gives beside the request, with its types', async () => {
    const { sessions } = setUp()
    const fetch = sessions.fetch((_request, _session, env: { name: string }, port: number) =>
      Response.json([env.name, port]),
    )
    expectTypeOf(fetch).toEqualTypeOf<
      (request: Request, env: { name: string }, port: number) => Promise<Response>
    >()
    expect(await (await fetch(requestOf(''), { name: 'worker' }, 80)).json()).toEqual([
      'worker',
      80,
    ])
  })

  it('returns a Response that is thrown, with the cookie', async () => {
    const { sessions, read } = setUp()
    const fetch = sessions.fetch(async (_request, session): Promise<Response> => {
      const { data } = await session.get()
      data.n = 2
      throw new Response('sign in first', { status: 401 })
    })
    const response = await fetch(requestOf(''))
    expect([response.status, await response.text()]).toEqual([401, 'sign in first'])
    expect(await read(cookieOf(response))).toEqual(['live', 2])
  })

  it('throws an Error on, also of a handler that is not async, and drops the changes', async () => {
    const { sessions, begin, read, commands } = setUp()
    const cookie = await begin()
    const error = new Error('a bug')
    const later = sessions.fetch(async (_request, session): Promise<Response> => {
      const { data } = await session.get()
      data.n = 2
      throw error
    })
    const atOnce = sessions.fetch((): Response => {
      throw error
    })
    await expect(later(requestOf(cookie))).rejects.toBe(error)
    await expect(atOnce(requestOf(cookie))).rejects.toBe(error)
    expect(commands()).toEqual(['load'])
    expect(await read(cookie)).toEqual(['live', 1])
  })

  it('carries out a destroy although an Error is thrown', async () => {
    const { sessions, begin, read } = setUp()
    const cookie = await begin()
    const fetch = sessions.fetch(async (_request, session): Promise<Response> => {
      const { destroy } = await session.get()
      destroy()
      throw new Error('a bug')
    })
    await expect(fetch(requestOf(cookie))).rejects.toThrow('a bug')
    expect(await read(cookie)).toEqual(['new', undefined])
  })

  it('answers a failure by its own onFailure, or by 503', async () => {
    const { sessions, store, begin } = setUp()
    const cookie = await begin()
    const signIn = async (
      _request: Request,
      session: { get: () => Promise<{ signIn: (subject: string) => void }> },
    ): Promise<Response> => {
      const { signIn: begins } = await session.get()
      store.down = true
      begins('ada')
      return new Response('welcome')
    }
    expect((await sessions.fetch(signIn)(requestOf(cookie))).status).toBe(503)
    store.down = false
    const onFailure = () => new Response('not now', { status: 418 })
    expect((await sessions.fetch(signIn, { onFailure })(requestOf(cookie))).status).toBe(418)
  })

  it('lets the handler save by itself, and save late', async () => {
    const { sessions, begin, read } = setUp()
    const cookie = await begin()
    const fetch = sessions.fetch(async (_request, session) => {
      const { data } = await session.get()
      data.n = 5
      const { outcome } = await session.commit()
      await session.saveLate((late) => (late.n = 6))
      return new Response(outcome)
    })
    expect(await (await fetch(requestOf(cookie))).text()).toBe('saved')
    expect(await read(cookie)).toEqual(['live', 6])
  })
})

/** What Bun's handler returns after `server.upgrade()`, and what Deno and Workers return. */
const upgrades = {
  'no answer': () => undefined,
  'a status of 101': () => ({ status: 101, headers: new Headers() }) as Response,
}

describe.each(Object.entries(upgrades))('an upgrade: %s', (_what, upgrade) => {
  it('goes out as it is if the session was not asked for, or only read', async () => {
    const { sessions, begin, commands } = setUp()
    const cookie = await begin()
    const answer = upgrade()
    const unasked = sessions.fetch(() => answer)
    expect(await unasked(requestOf(cookie))).toBe(answer)
    expect(commands()).toEqual([])
    const read = sessions.fetch(async (_request, session) => {
      const { data } = await session.get()
      return data.n === 1 ? answer : new Response('not yours', { status: 403 })
    })
    expect(await read(requestOf(cookie))).toBe(answer)
    expect(commands()).toEqual(['load'])
  })

  it('gives out no new token, whose cookie would be lost', async () => {
    const { sessions, begin, clock, commands } = setUp({ lifetime: { rotate: 60 } })
    const cookie = await begin()
    clock.now += 61_000
    const fetch = sessions.fetch(async (_request, session) => {
      await session.get()
      return upgrade()
    })
    await fetch(requestOf(cookie))
    expect(commands()).toEqual(['load'])
  })

  it('is refused after a change, a sign-in or a token for a form of a new session: nothing is saved', async () => {
    const { sessions, begin, read } = setUp()
    const cookie = await begin()
    const changes = [
      [cookie, ({ data }) => (data.n = 2)],
      [cookie, ({ signIn }) => signIn('ada')],
      [cookie, ({ renew }) => renew()],
      ['', ({ data }) => (data.n = 2)],
      ['', ({ csrfToken }) => void csrfToken()],
    ] satisfies [
      string,
      (session: Awaited<ReturnType<typeof sessions.open>>['session']) => unknown,
    ][]
    for (const [from, change] of changes) {
      const fetch = sessions.fetch(async (_request, session) => {
        change(await session.get())
        return upgrade()
      })
      const refused = fetch(requestOf(from))
      await expect(refused).rejects.toThrow(TypeError)
      await expect(refused).rejects.toThrow('session.commit()')
    }
    expect(await read(cookie)).toEqual(['live', 1])
  })

  it('goes out after a commit of the handler, which has the cookie', async () => {
    const { sessions, read } = setUp()
    const headers: string[] = []
    const answer = upgrade()
    const fetch = sessions.fetch(async (_request, session) => {
      const { data } = await session.get()
      data.n = 2
      const { cookie } = await session.commit()
      if (cookie) headers.push(cookie.header)
      return answer
    })
    expect(await fetch(requestOf(''))).toBe(answer)
    expect(await read(headers[0]?.split(';')[0] ?? '')).toEqual(['live', 2])
  })

  it('is refused after a destroy, which is carried out', async () => {
    const { sessions, begin, read } = setUp()
    const cookie = await begin()
    const fetch = sessions.fetch(async (_request, session) => {
      const { destroy } = await session.get()
      destroy()
      return upgrade()
    })
    await expect(fetch(requestOf(cookie))).rejects.toThrow('session.commit()')
    expect(await read(cookie)).toEqual(['new', undefined])
  })

  it('keeps its session if the changes are discarded', async () => {
    const { sessions, begin, read } = setUp()
    const cookie = await begin()
    const answer = upgrade()
    const fetch = sessions.fetch(async (_request, session) => {
      const { data, discard } = await session.get()
      data.n = 2
      discard()
      return answer
    })
    expect(await fetch(requestOf(cookie))).toBe(answer)
    expect(await read(cookie)).toEqual(['live', 1])
  })
})

it('refuses another answer that is no Response, if the session was asked for', async () => {
  const { sessions } = setUp()
  const fetch = sessions.fetch(async (_request, session) => {
    await session.get()
    return 'a text' as unknown as Response
  })
  await expect(fetch(requestOf(''))).rejects.toThrow('The handler must return a Response')
})
