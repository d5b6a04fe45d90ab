import type { HandleOptions, SessionsOptions } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { AnySessions } from './index.ts'
import { commit, discard, getSession, saveLate, sessionMiddleware } from './index.ts'

interface Data {
  user: string
  visits: number
}

function setUp(options: Partial<SessionsOptions<Data>> = {}, middlewareOptions?: HandleOptions) {
  const loads: string[] = []
  const memory = memoryStore()
  const load = (id: string, expiresAt?: number) => {
    loads.push(id)
    return memory.load(id, expiresAt)
  }
  const store = Object.assign(Object.create(memory) as typeof memory, { load })
  const sessions = createSessions<Data>({ store, cookie: { plainHttp: true }, ...options })
  const middleware = sessionMiddleware(sessions, middlewareOptions)
  const request = (
    handler: (context: object) => Promise<Response>,
    cookie = '',
    context = {},
  ): Promise<Response> => {
    const sent = new Request('http://localhost/', { headers: { Cookie: cookie } })
    return middleware({ request: sent, context }, () => handler(context))
  }
  const get = (context: object) => getSession<typeof sessions>(context)
  const read = async (cookie: string) => ({ ...(await sessions.open(cookie)).session.data })
  const signedIn = async () => {
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.user = 'ada'
      return new Response()
    })
    return cookieOf(response)
  }
  return { middleware, loads, request, get, read, signedIn }
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

describe('getSession(context)', () => {
  it('throws if it is not awaited, so that a guard lets no visitor in', async () => {
    const { request, get } = setUp()
    await request(async (context) => {
      const session = get(context) as unknown as { subject: string | null }
      expect(() => session.subject === null).toThrow('(await …).subject')
      const saving = commit(context)
      expect(() => (saving as unknown as { failure: object | null }).failure).toThrow(
        '(await …).failure',
      )
      await saving
      return new Response()
    })
  })

  it('costs no trip and changes no header if it is not called', async () => {
    const { request, signedIn, loads } = setUp()
    const response = await request(async () => new Response('hello'), await signedIn())
    expect(loads).toEqual([])
    expect([...response.headers.keys()]).toEqual(['content-type'])
  })

  it('loads once for parallel and for later calls', async () => {
    const { request, get, signedIn, loads } = setUp()
    const cookie = await signedIn()
    await request(async (context) => {
      const [one, other] = await Promise.all([get(context), get(context)])
      expect(one).toBe(other)
      expect(await get(context)).toBe(one)
      return new Response()
    }, cookie)
    expect(loads).toHaveLength(1)
  })

  it('has the type of the sessions in its type argument', async () => {
    const { request, get } = setUp()
    await request(async (context) => {
      expectTypeOf((await get(context)).data).toEqualTypeOf<Partial<Data>>()
      expectTypeOf((await getSession(context)).data).toEqualTypeOf<Record<string, unknown>>()
      const untyped = await getSession<AnySessions<Record<string, unknown>>>(context)
      expectTypeOf(untyped.data).toEqualTypeOf<Record<string, unknown>>()
      return new Response()
    })
  })

  it('saves before the response is returned, and sets the cookie', async () => {
    const { request, get, read } = setUp()
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      return new Response('hello', { headers: { 'Set-Cookie': 'other=1' } })
    })
    expect(response.headers.getSetCookie()).toHaveLength(2)
    const [, sid = ''] = response.headers.getSetCookie()
    expect(await read(sid.split(';')[0] ?? '')).toEqual({ visits: 1 })
  })

  it('sets the cookie on a copy of an immutable response', async () => {
    const { request, get } = setUp()
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      return Response.redirect('http://localhost/next')
    })
    expect([response.status, response.headers.get('Location')]).toEqual([
      302,
      'http://localhost/next',
    ])
    expect(cookieOf(response)).toMatch(/^sid=/)
  })

  it('saves the change of code that the response did not wait for, if the load was under way', async () => {
    const { request, get, signedIn, read } = setUp()
    const cookie = await signedIn()
    await request(async (context) => {
      void get(context).then((session) => (session.data.visits = 1))
      return new Response()
    }, cookie)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves with a thrown Response, and throws it with the cookie', async () => {
    const { request, get, read } = setUp()
    const thrown = await request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      throw new Response('no', { status: 403 })
    }).catch((response: Response) => response)
    expect(thrown.status).toBe(403)
    expect(await read(cookieOf(thrown))).toEqual({ visits: 1 })
  })

  it('drops the changes after any other throw', async () => {
    const { request, get, signedIn, read } = setUp()
    const cookie = await signedIn()
    const fault = new Error('a fault')
    const response = request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      session.renew()
      throw fault
    }, cookie)
    await expect(response).rejects.toBe(fault)
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('fails the request if a value cannot be stored, and saves nothing', async () => {
    const { request, get, signedIn, read } = setUp()
    const cookie = await signedIn()
    const response = request(async (context) => {
      const session = await get(context)
      Object.assign(session.data, { visits: 1, handler: () => {} })
      return new Response()
    }, cookie)
    await expect(response).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('can be read and not changed if it is first called after the response', async () => {
    const { request, get, signedIn, read } = setUp()
    const cookie = await signedIn()
    const context = {}
    await request(async () => new Response(), cookie, context)
    const session = await get(context)
    expect(session.data.user).toBe('ada')
    expect(() => (session.data.user = 'eve')).toThrow(
      'getSession(context) was called for the first time after the response',
    )
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })
})

describe('the context', () => {
  it('has one session if the middleware is mounted twice', async () => {
    const { middleware, get, signedIn, loads } = setUp()
    const request = new Request('http://localhost/', { headers: { Cookie: await signedIn() } })
    const context = {}
    const inner = async (): Promise<Response> => {
      await get(context)
      return new Response()
    }
    const outer = async (): Promise<Response> => {
      await get(context)
      return middleware({ request, context }, inner)
    }
    await middleware({ request, context }, outer)
    expect(loads).toHaveLength(1)
  })

  it('refuses a second request while the first is under way', async () => {
    const { request } = setUp()
    const context = {}
    let end = (): void => {}
    const first = request(
      () => new Promise((resolve) => (end = () => resolve(new Response()))),
      '',
      context,
    )
    await expect(request(async () => new Response(), '', context)).rejects.toThrow(
      'Two requests have the same context',
    )
    end()
    await first
  })

  it('refuses a later request too: the stream of the first would get the other’s session', async () => {
    const { request, get, signedIn } = setUp()
    const context = {}
    const user = async (shared: object): Promise<string> =>
      (await get(shared)).data.user ?? 'no user'
    let streamed = Promise.resolve('')
    let stream = (): void => {}
    await request(
      async (shared) => {
        streamed = new Promise<void>((resolve) => (stream = resolve)).then(() => user(shared))
        return new Response()
      },
      '',
      context,
    )
    const other = request(
      async (shared) => new Response(await user(shared)),
      await signedIn(),
      context,
    )
    await expect(other).rejects.toThrow('Two requests have the same context')
    stream()
    expect(await streamed).toBe('no user')
  })

  it('has its session under a registered key, so that another copy of the package finds it', async () => {
    const { request, get } = setUp()
    await request(async (context) => {
      const copy = Object.assign({}, context) as Record<symbol, unknown>
      expect(copy[Symbol.for('@coatcheck/remix')]).toBeDefined()
      expect(await get(copy)).toBe(await get(context))
      return new Response()
    })
  })
})

describe('commit(context)', () => {
  it('returns the outcome, refuses later changes, and the response gets the cookie', async () => {
    const { request, get } = setUp()
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      const saved = await commit(context)
      expect(saved).toEqual({ outcome: 'created', failure: null })
      expect(() => (session.data.visits = 2)).toThrow('after the session was saved')
      return new Response()
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(cookieOf(response)).toMatch(/^sid=/)
  })

  it('rejects if the record is too large; after discard(context) the action can answer', async () => {
    const { request, get, signedIn, read } = setUp({ maxBytes: 512 })
    const cookie = await signedIn()
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.user = 'x'.repeat(600)
      await expect(commit(context)).rejects.toMatchObject({ code: 'too-large' })
      discard(context)
      return new Response(null, { status: 413 })
    }, cookie)
    expect(response.status).toBe(413)
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })
})

describe('discard(context)', () => {
  it('drops the changes before and after it, and the response goes out', async () => {
    const { request, get, signedIn, read } = setUp({ explain: true })
    const cookie = await signedIn()
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      discard(context)
      session.data.visits = 2
      return new Response(null, { status: 500 })
    }, cookie)
    expect(response.headers.get('Server-Timing')).toBe('session;desc="discarded"')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })
})

describe('saveLate(context, change)', () => {
  const count = (data: { visits?: number }): void => void (data.visits = (data.visits ?? 0) + 1)

  it('is saved with the response if it is in time', async () => {
    const { request, signedIn, read } = setUp()
    const cookie = await signedIn()
    await request(async (context) => {
      expect(await saveLate(context, count)).toBeNull()
      return new Response()
    }, cookie)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves after the response, merged with the changes of other requests', async () => {
    const { request, get, signedIn, read } = setUp()
    const cookie = await signedIn()
    const context = {}
    await request(async () => new Response(), cookie, context)
    await request(async (other) => {
      const session = await get(other)
      session.data.user = 'grace'
      return new Response()
    }, cookie)
    expect(await saveLate(context, count)).toBe('saved')
    expect(await read(cookie)).toEqual({ user: 'grace', visits: 1 })
  })

  it('saves into a session that the response created, by its new cookie', async () => {
    const { request, get, read } = setUp()
    const context = {}
    const response = await request(
      async () => {
        const session = await get(context)
        session.data.user = 'ada'
        return new Response()
      },
      '',
      context,
    )
    expect(await saveLate(context, count)).toBe('saved')
    expect(await read(cookieOf(response))).toEqual({ user: 'ada', visits: 1 })
  })

  it('rejects if there is no session, because a cookie can no longer be sent', async () => {
    const { request } = setUp()
    const context = {}
    await request(async () => new Response(), '', context)
    await expect(saveLate(context, count)).rejects.toMatchObject({ code: 'read-only' })
  })
})

describe('if the store cannot be reached', () => {
  const down = { store: memcachedStore({ servers: '127.0.0.1:1' }), secrets: 'none' } as const

  it('a sign-in or a sign-out is answered 503 with Retry-After, without a cookie', async () => {
    const { request, get } = setUp(down)
    for (const act of ['sign in', 'sign out']) {
      const response = await request(
        async (context) => {
          const session = await get(context)
          if (act === 'sign in') session.signIn('ada')
          else session.destroy()
          return Response.redirect('http://localhost/account')
        },
        `sid=${'A'.repeat(43)}`,
      )
      expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '5'])
      expect(response.headers.getSetCookie()).toEqual([])
    }
  })

  it('a lost change lets the response of the handler go, and commit(context) tells', async () => {
    const { request, get } = setUp(down)
    const response = await request(async (context) => {
      const session = await get(context)
      session.data.visits = 1
      const failure = { outcome: 'unavailable', asked: 'change' }
      expect(await commit(context)).toEqual({ outcome: 'unavailable', failure })
      return new Response('hello')
    })
    expect([response.status, await response.text()]).toEqual([200, 'hello'])
  })

  it('after commit(context) a 503 of the action goes out, and a redirect does not', async () => {
    const { request, get } = setUp(down)
    const signIn = (answer: Response): Promise<Response> =>
      request(async (context) => {
        const session = await get(context)
        session.signIn('ada')
        await commit(context)
        return answer
      })
    const told = await signIn(new Response('the action’s', { status: 503 }))
    expect(await told.text()).toBe('the action’s')
    expect((await signIn(Response.redirect('http://localhost/account'))).status).toBe(503)
  })

  it('onFailure answers: that of the middleware, or else that of createSessions', async () => {
    const lose = async (context: object): Promise<Response> => {
      const session = await getSession(context)
      session.data['visits'] = 1
      return new Response('hello')
    }
    const app = { ...down, onFailure: () => new Response('of the app') }
    const own = { onFailure: () => new Response('of the middleware') }
    expect(await (await setUp(app).request(lose)).text()).toBe('of the app')
    expect(await (await setUp(app, own).request(lose)).text()).toBe('of the middleware')
  })
})
