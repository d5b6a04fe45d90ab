import type { SessionsOptions } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { commit, discard, getSession, saveLate } from './session.ts'
import type { Opens } from './visit.ts'
import { serve } from './visit.ts'

interface Data {
  user: string
  visits: number
}

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const loads: string[] = []
  const memory = memoryStore()
  const load = (id: string, expiresAt?: number) => {
    loads.push(id)
    return memory.load(id, expiresAt)
  }
  const store = Object.assign(Object.create(memory) as typeof memory, { load })
  const sessions = createSessions<Data>({ store, cookie: { plainHttp: true }, ...options })
  const visit = (
    handler: (context: object) => Promise<Response>,
    cookie = '',
    context = {},
  ): Promise<Response> => {
    const request = new Request('http://localhost/', { headers: { Cookie: cookie } })
    return serve(sessions, request, context, () => handler(context))
  }
  const ask = (context: object) => getSession<typeof sessions>(context)
  const read = async (cookie: string) => ({ ...(await sessions.open(cookie)).session.data })
  const signedIn = async () => {
    const response = await visit(async (context) => {
      const session = await ask(context)
      session.data.user = 'ada'
      return new Response()
    })
    return cookieOf(response)
  }
  return { sessions, loads, visit, ask, read, signedIn }
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

describe('a visit', () => {
  it('loads nothing when nobody asks', async () => {
    const { visit, signedIn, loads } = setUp()
    const response = await visit(async () => new Response('hello'), await signedIn())
    expect(loads).toEqual([])
    expect([...response.headers.keys()]).toEqual(['content-type'])
  })

  it('loads once for all who ask, at once or one after the other', async () => {
    const { visit, ask, signedIn, loads } = setUp()
    const cookie = await signedIn()
    await visit(async (context) => {
      const [one, other] = await Promise.all([ask(context), ask(context)])
      expect(one).toBe(other)
      expect(await ask(context)).toBe(one)
      return new Response()
    }, cookie)
    expect(loads).toHaveLength(1)
  })

  it('types the session by the sessions it is asked with', async () => {
    const { visit, ask } = setUp()
    await visit(async (context) => {
      expectTypeOf((await ask(context)).data).toEqualTypeOf<Partial<Data>>()
      const loose = await getSession<Opens<Record<string, unknown>>>(context)
      expectTypeOf(loose.data).toEqualTypeOf<Record<string, unknown>>()
      return new Response()
    })
  })

  it('saves before the response is handed over, and sets the cookie', async () => {
    const { visit, ask, read } = setUp()
    const response = await visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      return new Response('hello', { headers: { 'Set-Cookie': 'other=1' } })
    })
    expect(response.headers.getSetCookie()).toHaveLength(2)
    const [, ours = ''] = response.headers.getSetCookie()
    expect(await read(ours.split(';')[0] ?? '')).toEqual({ visits: 1 })
  })

  it('puts the cookie on a copy of an immutable response', async () => {
    const { visit, ask } = setUp()
    const response = await visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      return Response.redirect('http://localhost/next')
    })
    expect([response.status, response.headers.get('Location')]).toEqual([
      302,
      'http://localhost/next',
    ])
    expect(cookieOf(response)).toMatch(/^sid=/)
  })

  it('waits for a load that nobody waited for', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    await visit(async (context) => {
      void ask(context).then((session) => (session.data.visits = 1))
      return new Response()
    }, cookie)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('takes a thrown Response for an answer, and throws it on with the cookie', async () => {
    const { visit, ask, read } = setUp()
    const thrown = await visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      throw new Response('no', { status: 403 })
    }).catch((response: Response) => response)
    expect(thrown.status).toBe(403)
    expect(await read(cookieOf(thrown))).toEqual({ visits: 1 })
  })

  it('drops the changes when anything else is thrown', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const fault = new Error('a fault')
    const visiting = visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      session.renew()
      throw fault
    }, cookie)
    await expect(visiting).rejects.toBe(fault)
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('carries out a destroy that was asked for before something was thrown', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const visiting = visit(async (context) => {
      const session = await ask(context)
      session.destroy()
      throw new Error('a fault')
    }, cookie)
    await expect(visiting).rejects.toThrow('a fault')
    expect(await read(cookie)).toEqual({})
  })

  it('throws what was thrown, not what came of saving, even after commit(context)', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const visiting = visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      await commit(context)
      throw new Error('a fault after it')
    }, cookie)
    await expect(visiting).rejects.toThrow('a fault after it')
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('fails when the session holds what cannot be kept, and saves nothing', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const visiting = visit(async (context) => {
      const session = await ask(context)
      Object.assign(session.data, { visits: 1, handler: () => {} })
      return new Response()
    }, cookie)
    await expect(visiting).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('says by commit(context) what became of the session, and sets the cookie all the same', async () => {
    const { visit, ask } = setUp()
    const response = await visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      const saved = await commit(context)
      expect(saved).toEqual({ outcome: 'created' })
      expect(() => (session.data.visits = 2)).toThrow('after the session was saved')
      return new Response()
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(cookieOf(response)).toMatch(/^sid=/)
  })

  it('lets an action answer that the session cannot be kept, once it has discarded it', async () => {
    const { visit, ask, signedIn, read } = setUp({ maxBytes: 512 })
    const cookie = await signedIn()
    const response = await visit(async (context) => {
      const session = await ask(context)
      session.data.user = 'x'.repeat(600)
      await expect(commit(context)).rejects.toMatchObject({ code: 'too-large' })
      discard(context)
      return new Response(null, { status: 413 })
    }, cookie)
    expect(response.status).toBe(413)
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('lets the answer of who heard that the store is away pass', async () => {
    const store = memcachedStore({ servers: '127.0.0.1:1' })
    const { visit, ask } = setUp({ store, secrets: 'none', unavailable: 'throw' })
    const response = await visit(
      async (context) => {
        await expect(ask(context)).rejects.toMatchObject({ code: 'unavailable' })
        return new Response(null, { status: 503 })
      },
      `sid=${'A'.repeat(43)}`,
    )
    expect(response.status).toBe(503)
  })

  it('can be read and not changed by who asks for the first time after the answer', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const context = {}
    await visit(async () => new Response(), cookie, context)
    const session = await ask(context)
    expect(session.data.user).toBe('ada')
    expect(() => (session.data.user = 'eve')).toThrow('first time after the response')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('marks the answer private for who asked and did not look before it', async () => {
    const { visit, ask, signedIn } = setUp()
    const response = await visit(
      async (context) => {
        await ask(context)
        return new Response('hello', { headers: { 'Cache-Control': 'public, max-age=60' } })
      },
      await signedIn(),
    )
    expect(response.headers.get('Cache-Control')).toBe('private, max-age=60')
    expect(response.headers.get('Vary')).toBe('Cookie')
  })

  it('is one when the middleware is mounted twice', async () => {
    const { sessions, ask, signedIn, loads } = setUp()
    const request = new Request('http://localhost/', { headers: { Cookie: await signedIn() } })
    const context = {}
    const inner = async (): Promise<Response> => {
      await ask(context)
      return new Response()
    }
    const outer = async (): Promise<Response> => {
      await ask(context)
      return serve(sessions, request, context, inner)
    }
    await serve(sessions, request, context, outer)
    expect(loads).toHaveLength(1)
  })

  it('refuses a second request with the context of a first one that is not over', async () => {
    const { visit } = setUp()
    const context = {}
    let isOver = (): void => {}
    const first = visit(
      () => new Promise((resolve) => (isOver = () => resolve(new Response()))),
      '',
      context,
    )
    await expect(visit(async () => new Response(), '', context)).rejects.toThrow(
      'Two requests at once have the same context',
    )
    isOver()
    await first
  })

  it('gives the second of two requests, one after the other, its own session', async () => {
    const { visit, ask, signedIn } = setUp()
    const context = {}
    const who = async (shared: object): Promise<Response> => {
      const { data } = await ask(shared)
      return new Response(data.user ?? 'nobody')
    }
    expect(await (await visit(who, await signedIn(), context)).text()).toBe('ada')
    expect(await (await visit(who, '', context)).text()).toBe('nobody')
  })
})

describe('discard(context)', () => {
  it('drops the changes whose answer leaves all the same, before and after it is called', async () => {
    const { visit, ask, signedIn, read } = setUp({ explain: true })
    const cookie = await signedIn()
    const response = await visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      discard(context)
      session.data.visits = 2
      return new Response(null, { status: 500 })
    }, cookie)
    expect(response.headers.get('Server-Timing')).toBe('session;desc="discarded"')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('leaves a destroy that was asked for', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    await visit(async (context) => {
      const session = await ask(context)
      session.destroy()
      discard(context)
      return new Response(null, { status: 500 })
    }, cookie)
    expect(await read(cookie)).toEqual({})
  })

  it('makes no trip when nobody asked, and does nothing after a commit', async () => {
    const { visit, ask, signedIn, loads, read } = setUp()
    const cookie = await signedIn()
    await visit(async (context) => {
      discard(context)
      return new Response()
    }, cookie)
    expect(loads).toEqual([])
    await visit(async (context) => {
      const session = await ask(context)
      session.data.visits = 1
      await commit(context)
      discard(context)
      return new Response()
    }, cookie)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })
})

describe('saveLate(context, change)', () => {
  const count = (data: { visits?: number }): void => void (data.visits = (data.visits ?? 0) + 1)

  it('is saved with the answer when it is in time', async () => {
    const { visit, signedIn, read } = setUp()
    const cookie = await signedIn()
    await visit(async (context) => {
      expect(await saveLate(context, count)).toBeNull()
      return new Response()
    }, cookie)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves by itself after the answer, merged with what others saved meanwhile', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const context = {}
    await visit(async () => new Response(), cookie, context)
    await visit(async (other) => {
      const session = await ask(other)
      session.data.user = 'grace'
      return new Response()
    }, cookie)
    expect(await saveLate(context, count)).toBe('saved')
    expect(await read(cookie)).toEqual({ user: 'grace', visits: 1 })
  })

  it('saves into a session that the answer began or renewed, by the cookie that went with it', async () => {
    const { visit, ask, read } = setUp()
    const context = {}
    const response = await visit(
      async () => {
        const session = await ask(context)
        session.data.user = 'ada'
        return new Response()
      },
      '',
      context,
    )
    expect(await saveLate(context, count)).toBe('saved')
    expect(await read(cookieOf(response))).toEqual({ user: 'ada', visits: 1 })
  })

  it('never brings back what was ended meanwhile', async () => {
    const { visit, ask, signedIn, read } = setUp()
    const cookie = await signedIn()
    const context = {}
    const look = async (): Promise<Response> => {
      await ask(context)
      return new Response()
    }
    await visit(look, cookie, context)
    await visit(async (other) => {
      const session = await ask(other)
      session.destroy()
      return new Response()
    }, cookie)
    expect(await saveLate(context, count)).toBe('gone')
    expect(await read(cookie)).toEqual({})
  })

  it('refuses aloud where there is no session, whose cookie could not be sent any more', async () => {
    const { visit } = setUp()
    const context = {}
    await visit(async () => new Response(), '', context)
    await expect(saveLate(context, count)).rejects.toMatchObject({ code: 'read-only' })
  })
})
