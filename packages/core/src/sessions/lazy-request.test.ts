import { describe, expect, it, vi } from 'vitest'
import { createFakeStore, refused, start } from '../../test/fakes/context.ts'
import type { Command, FakeStore } from '../../test/fakes/context.ts'
import type { SessionEvent } from '../events.ts'
import type { Failure } from '../rules/next-step.ts'
import type { Session } from '../session/session.ts'
import type { SessionsOptions } from '../settings/options.ts'
import type { LazyOptions, LazySession } from './lazy-session.ts'
import { createSessions } from './sessions.ts'
import type { Sessions } from './sessions.ts'

interface Data {
  user: string
  visits: number
  handler: () => void
}

type Values = Partial<Data>

interface Setup {
  readonly sessions: Sessions<Values>
  readonly store: FakeStore
  readonly clock: { now: number }
  /** A request's lazy session. */
  readonly lazy: (cookie?: string, options?: LazyOptions) => LazySession<Values>
  /** The data that a cookie leads to. */
  readonly read: (cookie: string) => Promise<Values>
  /** The cookie of a session with these values. */
  readonly begun: (values?: Values) => Promise<string>
  /** Another request, from its beginning to its end. */
  readonly visit: (cookie: string, act: (session: Session<Values>) => unknown) => Promise<Response>
  readonly commands: () => readonly Command[]
}

function setUp(options: Partial<SessionsOptions<Data>> = {}): Setup {
  const clock = { now: start }
  const now = (): number => clock.now
  const store = createFakeStore(now)
  const testing = { now, wait: async () => {} }
  const sessions = createSessions<Data>({ store, testing, ...options })
  const visit: Setup['visit'] = (cookie, act) =>
    store.elsewhere(() =>
      sessions.handle(requestOf(cookie), async (session) => {
        await act(session)
        return new Response()
      }),
    )
  return {
    sessions,
    store,
    clock,
    lazy: (cookie = '', more) => sessions.lazy(requestOf(cookie), more),
    read: (cookie) =>
      store.elsewhere(async () => ({ ...(await sessions.open(cookie)).session.data })),
    begun: async (values = { user: 'ada' }) =>
      cookieOf(await visit('', ({ data }) => Object.assign(data, values))),
    visit,
    commands: () => store.log.splice(0).map(([command]) => command),
  }
}

function requestOf(cookie: string): Request {
  return new Request('https://app.example/', { headers: { Cookie: cookie } })
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** Answers a request whose handler does this with its session. */
function answer(
  lazy: LazySession<Values>,
  act: (session: Session<Values>) => unknown,
  response = new Response(),
): Promise<Response> {
  return lazy.around(async () => {
    await act(await lazy.get())
    return response
  })
}

/** What a promise rejects with. */
async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}

describe('a lazy session', () => {
  it('S17: makes no trip, and changes no response, if it is not asked for', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun())
    const response = new Response('hello')
    expect(await request.around(() => response)).toBe(response)
    expect([...response.headers.keys()]).toEqual(['content-type'])
    expect(await request.end()).toBeNull()
    expect(commands()).toEqual([])
  })

  it('opens once for all that ask, at once or one after the other', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun())
    const [one, other] = await Promise.all([request.get(), request.get()])
    expect(one).toBe(other)
    expect(await request.get()).toBe(one)
    expect(commands()).toEqual(['load'])
    expect(one.data.user).toBe('ada')
  })

  it('is a session of its own for every request', async () => {
    const { lazy, begun } = setUp()
    const cookie = await begun()
    const [one, other] = [await lazy(cookie).get(), await lazy(cookie).get()]
    one.data.user = 'grace'
    expect(other.data.user).toBe('ada')
  })

  it('rejects with what opening rejects with, for all that ask', async () => {
    const { lazy, begun, store } = setUp({ unavailable: 'throw' })
    const request = lazy(await begun())
    store.down = true
    const error = await thrownBy(request.get())
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(await thrownBy(request.get())).toBe(error)
    expect(store.log).toHaveLength(1)
  })

  it('S61: makes the response private for code that asked, though it looked at nothing before', async () => {
    const { lazy, begun } = setUp()
    const response = new Response('', { headers: { 'Cache-Control': 'public, max-age=60' } })
    const { headers } = await answer(lazy(await begun()), () => {}, response)
    expect(headers.get('Cache-Control')).toBe('private, max-age=60')
    expect(headers.get('Vary')).toBe('Cookie')
  })

  it('passes on how the request is to be opened', async () => {
    const { lazy, sessions, begun, store } = setUp({ cookie: { secure: 'per-request' } })
    const cookie = await begun()
    store.log.length = 0
    await lazy(cookie, { touch: false }).get()
    const [[, id]] = store.log as [[Command, string]]
    expect(store.expiries.get(id)).toBeUndefined()
    await lazy(cookie).get()
    expect(store.expiries.get(id)).toBe(start + 3_600_000)
    expect((await sessions.lazy(cookie, { secure: true }).get()).state).toBe('live')
    expect((await sessions.lazy(cookie, { secure: false }).get()).state).not.toBe('live')
  })

  it('takes a Cookie header, and nothing, for a request', async () => {
    const { sessions, begun } = setUp()
    expect((await sessions.lazy(await begun()).get()).data.user).toBe('ada')
    for (const source of [null, undefined, '']) {
      expect((await sessions.lazy(source).get()).state).toBe('new')
    }
  })
})

describe('the end', () => {
  it('T20: saves before the response is handed over, and sets the cookie beside others', async () => {
    const { lazy, read } = setUp()
    const other = new Response('', { headers: { 'Set-Cookie': 'other=1' } })
    const response = await answer(lazy(), ({ data }) => (data.user = 'ada'), other)
    const [first, second, third] = response.headers.getSetCookie()
    expect([first, third]).toEqual(['other=1', undefined])
    expect(await read(second?.split(';')[0] ?? '')).toEqual({ user: 'ada' })
  })

  it('puts the cookie on a copy of a response whose headers cannot be changed', async () => {
    const { lazy, read } = setUp()
    const redirect = Response.redirect('https://app.example/home')
    const response = await answer(lazy(), ({ data }) => (data.user = 'ada'), redirect)
    expect(response.status).toBe(302)
    expect(response.headers.get('Location')).toBe('https://app.example/home')
    expect(await read(cookieOf(response))).toEqual({ user: 'ada' })
  })

  it('saves once, whatever asks for the end, and gives the same result', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun())
    const session = await request.get()
    session.data.visits = 1
    const [one, other] = await Promise.all([request.end(), request.end()])
    expect(one).toBe(other)
    expect(await request.commit()).toBe(one)
    expect(one).toMatchObject({ outcome: 'saved', failure: null })
    expect(commands()).toEqual(['load', 'save'])
  })

  it('says whether it has come', async () => {
    const { lazy } = setUp()
    const request = lazy()
    await request.get()
    expect(request.ended).toBe(false)
    const ending = request.end()
    expect(request.ended).toBe(true)
    await ending
    expect(request.ended).toBe(true)
  })

  it('T20: refuses what is changed later', async () => {
    const { lazy } = setUp()
    const request = lazy()
    const session = await request.get()
    session.data.visits = 1
    await request.end()
    expect(() => (session.data.visits = 2)).toThrow('after the session was saved')
    expect(() => session.destroy()).toThrow('after the session was saved')
  })

  it('waits for a session that is still being opened, and saves what is done with it', async () => {
    const { lazy, begun, read, store } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    store.fail('load', async (run) => {
      await new Promise((resolve) => void setTimeout(resolve, 20))
      return run()
    })
    await request.around(() => {
      void request.get().then(({ data }) => (data.visits = 1))
      return new Response()
    })
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves what an async function does that the response does not wait for', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    const count = async (): Promise<void> => {
      const { data } = await request.get()
      data.visits = 1
    }
    await request.around(() => {
      void count()
      return new Response()
    })
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('rule 14: fails if the session holds what cannot be stored, and saves nothing', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const answering = answer(lazy(cookie), ({ data }) =>
      Object.assign(data, { visits: 1, handler: () => {} }),
    )
    await expect(answering).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('can be tried again after it failed', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    const { data } = await request.get()
    data.handler = () => {}
    await expect(request.end()).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(request.ended).toBe(false)
    delete data.handler
    data.visits = 1
    expect(await request.end()).toMatchObject({ outcome: 'saved' })
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('T2: lets the response of code pass that has heard that the store is down', async () => {
    const { lazy, begun, store } = setUp({ unavailable: 'throw' })
    const request = lazy(await begun())
    store.down = true
    const response = await request.around(async () => {
      await expect(request.get()).rejects.toMatchObject({ code: 'unavailable' })
      return new Response(null, { status: 503 })
    })
    expect(response.status).toBe(503)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await request.end()).toBeNull()
  })
})

describe('what the handler throws', () => {
  it('is an answer if it is a Response: thrown on with the cookie, and the change is saved', async () => {
    const { lazy, read } = setUp()
    const answering = answer(lazy(), ({ data }) => {
      data.user = 'ada'
      throw new Response('no', { status: 403 })
    })
    const thrown = (await thrownBy(answering)) as Response
    expect(thrown).toBeInstanceOf(Response)
    expect(thrown.status).toBe(403)
    expect(await read(cookieOf(thrown))).toEqual({ user: 'ada' })
  })

  it('is thrown on as it is if the session was never asked for', async () => {
    const { lazy, begun, commands } = setUp()
    const response = new Response('no', { status: 403 })
    const request = lazy(await begun())
    const throws = (thrown: unknown): Promise<unknown> =>
      thrownBy(
        request.around(() => {
          throw thrown
        }),
      )
    expect(await throws(response)).toBe(response)
    expect([...response.headers.keys()]).toEqual(['content-type'])
    expect(await throws('anything')).toBe('anything')
    expect(commands()).toEqual([])
  })

  it('drops the changes if it is anything else', async () => {
    for (const fault of [new Error('of the app'), 'text', undefined, null, { status: 500 }]) {
      const { lazy, begun, read, commands } = setUp()
      const cookie = await begun()
      const answering = answer(lazy(cookie), (session) => {
        session.data.user = 'grace'
        session.renew()
        throw fault
      })
      expect(await thrownBy(answering)).toBe(fault)
      expect(await read(cookie)).toEqual({ user: 'ada' })
      expect(commands()).toEqual(['load'])
    }
  })

  it('drops a sign-in too', async () => {
    const { lazy, sessions } = setUp()
    const answering = answer(lazy(), (session) => {
      session.signIn('zoë')
      throw new Error('of the app')
    })
    await expect(answering).rejects.toThrow('of the app')
    expect(await sessions.list('zoë')).toEqual([])
  })

  it('S10: carries out a destroy that was asked for before', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const fault = new Error('of the app')
    const answering = answer(lazy(cookie), (session) => {
      session.destroy()
      throw fault
    })
    expect(await thrownBy(answering)).toBe(fault)
    expect(await read(cookie)).toEqual({})
  })

  it('matters more than what came of saving', async () => {
    const { lazy, begun, store } = setUp({ unavailable: 'throw' })
    const cookie = await begun()
    const fault = new Error('of the app')
    const answering = answer(lazy(cookie), (session) => {
      session.destroy()
      store.down = true
      throw fault
    })
    expect(await thrownBy(answering)).toBe(fault)
  })

  it('matters more than what was committed before, which stays', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    const fault = new Error('of the app')
    const answering = answer(request, async ({ data }) => {
      data.visits = 1
      await request.commit()
      throw fault
    })
    expect(await thrownBy(answering)).toBe(fault)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })
})

describe('commit', () => {
  it('says what became of the session, and the response has the cookie all the same', async () => {
    const { lazy, read } = setUp()
    const request = lazy()
    const response = await answer(request, async ({ data }) => {
      data.user = 'ada'
      expect(await request.commit()).toMatchObject({ outcome: 'created', failure: null })
      expect(() => (data.user = 'grace')).toThrow('after the session was saved')
    })
    expect(response.headers.getSetCookie()).toHaveLength(1)
    expect(await read(cookieOf(response))).toEqual({ user: 'ada' })
  })

  it('opens the session if it was not asked for before', async () => {
    const { lazy, begun, commands } = setUp()
    expect(await lazy(await begun()).commit()).toMatchObject({
      outcome: 'unchanged',
      cacheControl: 'private',
    })
    expect(commands()).toEqual(['load'])
  })

  it('rejects if the session could not be opened', async () => {
    const { lazy, begun, store } = setUp({ unavailable: 'throw' })
    const request = lazy(await begun())
    store.down = true
    await expect(request.commit()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('S82: lets a handler answer that the session cannot be stored, once it has discarded it', async () => {
    const { lazy, begun, read } = setUp({ maxBytes: 512 })
    const cookie = await begun()
    const request = lazy(cookie)
    const response = await request.around(async () => {
      const { data } = await request.get()
      data.user = 'x'.repeat(600)
      await expect(request.commit()).rejects.toMatchObject({ code: 'too-large', status: 413 })
      request.discard()
      return new Response(null, { status: 413 })
    })
    expect(response.status).toBe(413)
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('drops the changes after discard, and answers nonetheless', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    const session = await request.get()
    session.data.visits = 1
    request.discard()
    expect(await request.commit()).toMatchObject({ outcome: 'discarded' })
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('rule 3: saves what an answer says, if the code that answered discards it a turn later', async () => {
    for (const isAwaited of [false, true]) {
      const { lazy, begun, read } = setUp()
      const cookie = await begun()
      const request = lazy(cookie)
      const asked = request.get().then(({ data }) => void (data.visits = 1))
      if (isAwaited) await asked
      const ended = request.end()
      request.discard()
      expect(await ended).toMatchObject({ outcome: 'saved', failure: null })
      expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
    }
  })
})

describe('a failure', () => {
  const down = (store: FakeStore) => (): void => void (store.down = true)

  it('S37: is answered with 503 by default if it was a sign-in or a sign-out', async () => {
    for (const [act, text] of [
      [(session: Session<Values>) => session.signIn('zoë'), 'signed in'],
      [(session: Session<Values>) => session.destroy(), 'signed out'],
    ] as const) {
      const { lazy, begun, store } = setUp()
      const response = await answer(lazy(await begun()), (session) => {
        act(session)
        store.down = true
      })
      expect(response.status).toBe(503)
      expect(response.headers.get('Retry-After')).toBe('5')
      expect(response.headers.get('Vary')).toBe('Cookie')
      expect(response.headers.getSetCookie()).toEqual([])
      expect(await response.text()).toContain(text)
    }
  })

  it('S37: lets the response go by default if it was a change', async () => {
    const { lazy, begun, store } = setUp()
    const response = await answer(lazy(await begun()), ({ data }) => {
      data.visits = 1
      store.down = true
    })
    expect(response.status).toBe(200)
  })

  it('is answered by the onFailure of the request, before the one of the app', async () => {
    const seen: [Failure, Response][] = []
    const own = (failure: Failure, response: Response): Response => {
      seen.push([failure, response])
      return new Response('own', { status: 500 })
    }
    for (const [options, more] of [
      [{ onFailure: own }, {}],
      [{ onFailure: () => new Response('of the app') }, { onFailure: own }],
    ]) {
      const { lazy, begun, store } = setUp(options)
      const given = new Response('given')
      const request = lazy(await begun(), more)
      const response = await answer(
        request,
        (session) => {
          session.data.visits = 1
          down(store)()
        },
        given,
      )
      expect(await response.text()).toBe('own')
      expect(response.headers.get('Vary')).toBe('Cookie')
      expect(seen.splice(0)).toEqual([[{ outcome: 'unavailable', asked: 'change' }, given]])
    }
  })

  it('S37: is answered by the default if the onFailure of the request is undefined', async () => {
    const { lazy, begun, store } = setUp()
    const unset = { onFailure: undefined } as unknown as { onFailure: () => void }
    const response = await answer(lazy(await begun(), unset), (session) => {
      session.destroy()
      down(store)()
    })
    expect(response.status).toBe(503)
  })

  it('refuses what onFailure gives and is no Response, in place of sending it', async () => {
    for (const given of ['sorry', true, { status: 503 }]) {
      const { lazy, begun, store } = setUp({ onFailure: () => given as unknown as Response })
      const failing = answer(lazy(await begun()), (session) => {
        session.destroy()
        down(store)()
      })
      await expect(failing).rejects.toThrow('onFailure must return a Response')
    }
  })

  it('lets the response go if onFailure gives nothing, at once or later', async () => {
    for (const onFailure of [() => {}, async () => {}]) {
      const { lazy, begun, store } = setUp({ onFailure })
      const response = await answer(
        lazy(await begun()),
        (session) => {
          session.destroy()
          down(store)()
        },
        new Response('given'),
      )
      expect(await response.text()).toBe('given')
    }
  })

  it('is not answered where there was none', async () => {
    const { lazy, begun } = setUp({ onFailure: () => new Response('failed') })
    const response = await answer(lazy(await begun()), ({ data }) => (data.visits = 1))
    expect(await response.text()).toBe('')
  })

  it('is not answered again for a handler that knows of it and answers 5xx itself', async () => {
    for (const [status, isOwn] of [
      [503, true],
      [500, true],
      [499, false],
      [200, false],
    ] as const) {
      const { lazy, begun, store } = setUp()
      const request = lazy(await begun())
      const response = await answer(
        request,
        async (session) => {
          session.destroy()
          store.down = true
          expect((await request.commit()).failure).toMatchObject({ asked: 'sign-out' })
        },
        new Response('own', { status }),
      )
      expect((await response.text()) === 'own').toBe(isOwn)
      expect(response.headers.get('Vary')).toBe('Cookie')
    }
  })

  it('is answered for a handler that answers 5xx and does not know of it', async () => {
    const { lazy, begun, store } = setUp()
    const response = await answer(
      lazy(await begun()),
      (session) => {
        session.destroy()
        store.down = true
      },
      new Response('own', { status: 500 }),
    )
    expect(await response.text()).toContain('signed out')
  })

  it('is answered when the response was thrown, too', async () => {
    const { lazy, begun, store } = setUp()
    const answering = answer(lazy(await begun()), (session) => {
      session.destroy()
      store.down = true
      throw new Response('bye')
    })
    expect(await thrownBy(answering)).toMatchObject({ status: 503 })
  })
})

describe('a session that is asked for after the end', () => {
  it('can be read and not changed', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await request.around(() => new Response())
    const session = await request.get()
    expect(session.data.user).toBe('ada')
    expect(() => (session.data.user = 'grace')).toThrow(
      'The session was asked for after the response, so changes would be lost: ask earlier',
    )
    expect(() => session.renew()).toThrow(expect.objectContaining({ code: 'read-only' }))
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('says why in the words of the framework', async () => {
    const { lazy, begun } = setUp()
    const request = lazy(await begun(), { hints: { late: 'call it in the loader' } })
    await request.end()
    const session = await request.get()
    expect(() => (session.data.user = 'grace')).toThrow('call it in the loader')
  })
})

describe('a read-only session', () => {
  it('refuses every change from the start, and makes the response private', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie, { readOnly: 'write in an action' })
    const response = await answer(request, (session) => {
      expect(() => (session.data.user = 'grace')).toThrow('write in an action')
      expect(() => session.destroy()).toThrow('write in an action')
      expect(session.data.user).toBe('ada')
    })
    expect(response.headers.get('Cache-Control')).toBe('private')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('S61: makes the response private though it is discarded', async () => {
    const { lazy, begun } = setUp()
    const request = lazy(await begun(), { readOnly: 'write in an action' })
    const response = await answer(request, ({ data }) => {
      void data.user
      request.discard()
    })
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(await request.commit()).toMatchObject({ outcome: 'unchanged' })
  })
})

describe('lock', () => {
  it('refuses every later change with its reason, and keeps what was changed before', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await answer(request, async (session) => {
      session.data.user = 'grace'
      request.lock('the page is being rendered')
      await Promise.resolve()
      expect(() => (session.data.user = 'eve')).toThrow('the page is being rendered')
      expect(() => session.destroy()).toThrow('the page is being rendered')
    })
    expect(await read(cookie)).toEqual({ user: 'grace' })
  })

  it('locks a session that is opened later, and makes no trip itself', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun())
    request.lock('the page is being rendered')
    expect(commands()).toEqual([])
    const session = await request.get()
    expect(() => (session.data.user = 'eve')).toThrow('the page is being rendered')
    expect(session.data.user).toBe('ada')
  })

  it('throws nothing if the session could not be opened', async () => {
    const { lazy, begun, store } = setUp({ unavailable: 'throw' })
    const request = lazy(await begun())
    store.down = true
    await expect(request.get()).rejects.toMatchObject({ code: 'unavailable' })
    request.lock('the page is being rendered')
    expect(await request.end()).toBeNull()
  })

  it('leaves saveLate, which saves by itself from then on', async () => {
    const { lazy, begun, read, commands } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await request.get()
    request.lock('the page is being rendered')
    commands()
    expect(await request.saveLate((data) => void (data.visits = 1))).toBe('saved')
    expect(commands()).toEqual(['load', 'save'])
    expect(await request.end()).toMatchObject({ outcome: 'unchanged' })
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })
})

describe('commit', () => {
  it('is refused after an end before which the session was not asked for', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun(), { hints: { late: 'the response has left' } })
    await request.end()
    commands()
    await expect(request.commit()).rejects.toMatchObject({
      code: 'read-only',
      message: 'Coatcheck: the response has left',
    })
    expect(commands()).toEqual([])
  })
})

describe('allowLateDestroy', () => {
  async function gone(options: Partial<SessionsOptions<Data>> = {}) {
    const events: SessionEvent[] = []
    const made = setUp({ onEvent: (event) => void events.push(event), ...options })
    const cookie = await made.begun()
    const onError = vi.fn<(error: unknown) => void>()
    const warnings = () => events.filter(({ type }) => type === 'warning')
    return { ...made, cookie, request: made.lazy(cookie), onError, warnings }
  }

  it.each([true, false])(
    'lets a destroy after the end be carried out, asked for before: %s',
    async (isFirst) => {
      const { request, onError, warnings, read, cookie } = await gone()
      if (isFirst) await request.get()
      request.allowLateDestroy(onError)
      await request.end()
      const session = await request.get()
      session.destroy()
      session.destroy()
      await expect.poll(() => read(cookie)).toEqual({})
      expect(warnings()).toEqual([])
      expect(onError).not.toHaveBeenCalled()
    },
  )

  it.each([true, false])('ends what the request itself signs in to, new: %s', async (isNew) => {
    const { lazy, cookie, onError, sessions, store } = await gone()
    const request = lazy(isNew ? '' : cookie)
    const session = await request.get()
    session.signIn('ada')
    request.allowLateDestroy(onError)
    const { promise, resolve } = Promise.withResolvers<void>()
    store.fail(isNew ? 'create' : 'save', (run) => promise.then(run))
    const ending = request.end()
    // While the sign-in is under way, it would begin a session of its own in place of one that is gone.
    await vi.waitFor(() => expect(store.log.length).toBeGreaterThan(0))
    session.destroy()
    resolve()
    await ending
    await expect.poll(() => sessions.list('ada')).toEqual([])
    expect(onError).not.toHaveBeenCalled()
  })

  it('ends a session that has moved so long ago that nothing leads to it any more', async () => {
    const { begun, lazy, visit, clock, sessions, onError } = await gone({
      lifetime: { rotate: 600 },
    })
    const cookie = cookieOf(await visit(await begun(), (session) => session.signIn('ada')))
    clock.now += 590_000
    const request = lazy(cookie)
    const session = await request.get()
    request.allowLateDestroy(onError)
    await request.end()
    clock.now += 20_000
    const present = cookieOf(await visit(cookie, () => {}))
    clock.now += 130_000
    session.destroy()
    await expect.poll(() => sessions.list('ada')).toEqual([])
    expect((await sessions.open(present)).session.state).toBe('new')
  })

  it('tells of an outage, and tries again until it is over', async () => {
    const waits: (() => void)[] = []
    const wait = () => new Promise<void>((resolve) => void waits.push(resolve))
    const { request, onError, store, read, cookie } = await gone({
      unavailable: 'throw',
      testing: { wait },
    })
    const session = await request.get()
    request.allowLateDestroy(onError)
    await request.end()
    store.down = true
    session.destroy()
    await expect.poll(() => onError.mock.calls).toMatchObject([[{ code: 'unavailable' }]])
    store.down = false
    waits.forEach((resolve) => resolve())
    await expect.poll(() => read(cookie)).toEqual({})
  })

  it.each([true, false])('says what else is refused, asked for before: %s', async (isFirst) => {
    const { request, onError, warnings } = await gone()
    if (isFirst) await request.get()
    await request.end()
    request.allowLateDestroy(onError)
    const session = await request.get()
    const code = isFirst ? 'committed' : 'read-only'
    expect(() => session.signIn('ada')).toThrow(expect.objectContaining({ code }) as Error)
    expect(() => (session.data.visits = 1)).toThrow(expect.objectContaining({ code }) as Error)
    expect(warnings()).toEqual(
      ['session.signIn()', 'session.data.visits'].map((what) => ({
        type: 'warning',
        what: expect.stringContaining(what) as string,
      })),
    )
    expect(onError).not.toHaveBeenCalled()
  })

  it('is without effect on a destroy that is in time', async () => {
    const { request, onError, warnings, commands } = await gone()
    request.allowLateDestroy(onError)
    ;(await request.get()).destroy()
    expect(await request.end()).toMatchObject({ outcome: 'destroyed' })
    expect(commands()).toEqual(['load', 'delete'])
    expect(warnings()).toEqual([])
  })
})

describe('discard', () => {
  it('drops the changes whose response leaves all the same, before and after it is called', async () => {
    const { lazy, begun, read } = setUp({ explain: true })
    const cookie = await begun()
    const request = lazy(cookie)
    const response = await answer(
      request,
      (session) => {
        session.data.user = 'grace'
        request.discard()
        session.data.visits = 1
        session.renew()
      },
      new Response(null, { status: 500 }),
    )
    expect(response.headers.get('Server-Timing')).toBe('session;desc="discarded"')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('leaves a destroy that was asked for', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await answer(request, (session) => {
      session.destroy()
      request.discard()
    })
    expect(await read(cookie)).toEqual({})
  })

  it('makes no trip if the session was never asked for', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun())
    request.discard()
    expect(await request.end()).toBeNull()
    expect(commands()).toEqual([])
  })

  it('does nothing, and throws nothing, once the session is saved', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    const response = await answer(request, async ({ data }) => {
      data.visits = 1
      await request.commit()
      request.discard()
    })
    expect(response.status).toBe(200)
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('throws nothing after a commit that failed late', async () => {
    const { lazy, begun, store } = setUp({ unavailable: 'throw' })
    const request = lazy(await begun())
    const response = await answer(request, async (session) => {
      session.data.visits = 1
      store.down = true
      await expect(request.commit()).rejects.toMatchObject({ code: 'unavailable' })
      request.discard()
    })
    expect(response.status).toBe(200)
    expect(await request.end()).toMatchObject({ outcome: 'discarded' })
  })
})

describe('saveLate', () => {
  const count = (data: Values): void => void (data.visits = (data.visits ?? 0) + 1)

  it('is in time before the end, which saves the change', async () => {
    const { lazy, begun, read, commands } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await request.around(async () => {
      expect(await request.saveLate(count)).toBeNull()
      return new Response()
    })
    expect(commands()).toEqual(['load', 'save'])
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves by itself after the end, merged with what was saved meanwhile', async () => {
    const { lazy, begun, read, visit, commands } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await answer(request, () => {})
    await visit(cookie, ({ data }) => (data.user = 'grace'))
    commands()
    expect(await request.saveLate(count)).toBe('saved')
    expect(commands()).toEqual(['load', 'save'])
    expect(await read(cookie)).toEqual({ user: 'grace', visits: 1 })
    expect(await request.saveLate(count)).toBe('saved')
    expect(await read(cookie)).toMatchObject({ visits: 2 })
  })

  it('saves after the end of a request that never asked for the session', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await request.end()
    expect(await request.saveLate(count)).toBe('saved')
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves into a session that the request began, by the cookie that went with it', async () => {
    const { lazy, read } = setUp()
    const request = lazy()
    const response = await answer(request, ({ data }) => (data.user = 'ada'))
    expect(await request.saveLate(count)).toBe('saved')
    expect(await read(cookieOf(response))).toEqual({ user: 'ada', visits: 1 })
  })

  it('saves into a session that the request renewed or signed in, whose old token is dead', async () => {
    for (const act of [
      (session: Session<Values>) => session.renew(),
      (session: Session<Values>) => session.signIn('zoë'),
    ]) {
      const { lazy, begun, read } = setUp()
      const cookie = await begun()
      const request = lazy(cookie)
      const response = await answer(request, act)
      expect(await request.saveLate(count)).toBe('saved')
      expect(await read(cookieOf(response))).toEqual({ user: 'ada', visits: 1 })
      expect(await read(cookie)).toEqual({})
    }
  })

  it('opens what the request began over plain http by the cookie for plain http', async () => {
    const { sessions, read } = setUp({ cookie: { secure: 'per-request' } })
    for (const secure of [true, false]) {
      const url = `http${secure ? 's' : ''}://app.example/`
      const request = sessions.lazy(new Request(url))
      const response = await answer(request, ({ data }) => (data.user = 'ada'))
      expect(await request.saveLate(count)).toBe('saved')
      if (secure) expect(await read(cookieOf(response))).toEqual({ user: 'ada', visits: 1 })
    }
  })

  it('CVE-2025-46336: never brings back what was ended meanwhile', async () => {
    const { lazy, begun, read, visit } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await answer(request, () => {})
    await visit(cookie, (session) => session.destroy())
    expect(await request.saveLate(count)).toBe('gone')
    expect(await read(cookie)).toEqual({})
  })

  it('is refused after a destroy of the request itself', async () => {
    const { lazy, begun } = setUp()
    const request = lazy(await begun())
    await answer(request, (session) => session.destroy())
    await expect(request.saveLate(count)).rejects.toMatchObject({ code: 'read-only' })
  })

  it('S70: is refused without a session, whose cookie could not be sent any more', async () => {
    const { lazy, commands } = setUp()
    const request = lazy()
    await answer(request, () => {})
    let changes = 0
    const saving = request.saveLate(() => changes++)
    await expect(saving).rejects.toMatchObject({
      code: 'read-only',
      message:
        'Coatcheck: There is no session, and the cookie of a new one can no longer be sent: change it before the response is returned',
    })
    expect(changes).toBe(0)
    expect(commands()).toEqual([])
  })

  it('is refused in the words of the framework', async () => {
    const { lazy } = setUp()
    const request = lazy('', { hints: { noSession: 'sign in first' } })
    await request.end()
    await expect(request.saveLate(count)).rejects.toThrow('sign in first')
  })

  it('T2: is unavailable in an outage', async () => {
    const { lazy, begun, store, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await answer(request, () => {})
    store.fail('load', refused)
    expect(await request.saveLate(count)).toBe('unavailable')
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('rejects with what the change throws, and saves nothing', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    await answer(request, () => {})
    const fault = new Error('of the app')
    const saving = request.saveLate((data) => {
      data.visits = 1
      throw fault
    })
    expect(await thrownBy(saving)).toBe(fault)
    expect(await read(cookie)).toEqual({ user: 'ada' })
  })

  it('rule 4: leaves a token alone that is due, because the cookie of the next one would be lost', async () => {
    for (const way of ['never asked', 'locked'] as const) {
      const { lazy, begun, read, clock } = setUp({ lifetime: { rotate: 60 } })
      const cookie = await begun()
      clock.now += 61_000
      const request = lazy(cookie)
      if (way === 'locked') request.lock('the page is being rendered')
      else await request.end()
      expect(await request.saveLate(count)).toBe('saved')
      clock.now += 16_000
      expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
    }
  })

  it('B8: does not count as the use of a token that the browser may not have got', async () => {
    const events: SessionEvent[] = []
    const { lazy, begun, visit, clock } = setUp({
      lifetime: { rotate: 60 },
      onEvent: (event) => void events.push(event),
    })
    const cookie = await begun()
    clock.now += 61_000
    const request = lazy(cookie)
    const lost = await answer(request, () => {})
    expect(await request.saveLate(count)).toBe('saved')
    expect(cookieOf(await visit(cookie, () => {}))).toBe(cookieOf(lost))
    expect(events.filter(({ type }) => type === 'token.reused')).toEqual([])
  })

  it('saves by itself after a commit that failed, whose changes are dropped', async () => {
    const { lazy, begun, read } = setUp()
    const cookie = await begun()
    const request = lazy(cookie)
    const failing = answer(request, ({ data }) => {
      data.user = 'grace'
      data.handler = () => {}
    })
    await expect(failing).rejects.toMatchObject({ code: 'unsupported-value' })
    const { data } = await request.get()
    expect(() => (data.visits = 9)).toThrow('after the session was saved')
    expect(await request.saveLate(count)).toBe('saved')
    expect(await read(cookie)).toEqual({ user: 'ada', visits: 1 })
  })

  it('waits for an end that is under way', async () => {
    const { lazy, read } = setUp()
    const request = lazy()
    const session = await request.get()
    session.data.user = 'ada'
    const ending = request.end()
    expect(await request.saveLate(count)).toBe('saved')
    const cookie = (await ending)?.cookie
    expect(await read(`${cookie?.name}=${cookie?.value}`)).toEqual({ user: 'ada', visits: 1 })
  })
})

describe('around', () => {
  it('answers with a response that is there at once', async () => {
    const { lazy } = setUp()
    const response = new Response()
    expect(await lazy().around(() => response)).toBe(response)
  })

  it('answers twice with one session, and saves it once', async () => {
    const { lazy, begun, commands } = setUp()
    const request = lazy(await begun())
    await answer(request, ({ data }) => (data.visits = 1))
    const response = await request.answer(new Response())
    expect(response.headers.get('Vary')).toBe('Cookie')
    expect(commands()).toEqual(['load', 'save'])
  })
})
