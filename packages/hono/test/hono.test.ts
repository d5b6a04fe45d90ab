import { serve } from '@hono/node-server'
import type { HttpBindings, ServerType } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { createTestSessions } from '@coatcheck/harness/test-sessions'
import { createVisitor, describeHttpRaces } from '@coatcheck/testing'
import type { Visitor } from '@coatcheck/testing'
import { Hono } from 'hono'
import { compress } from 'hono/compress'
import { setCookie } from 'hono/cookie'
import { cors } from 'hono/cors'
import { etag, RETAINED_304_HEADERS } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { stream } from 'hono/streaming'
import { timeout } from 'hono/timeout'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { sessionMiddleware } from '../src/index.ts'

type Data = Record<string, unknown>

const page = 'The cloakroom is open. '.repeat(200)

type Sessions = ReturnType<typeof createTestSessions>['sessions']

const kits = {
  Hono: [[], []],
  'Hono, compress, secureHeaders and cors before': [[compress(), secureHeaders(), cors()], []],
  'Hono, compress, secureHeaders and cors after': [[], [compress(), secureHeaders(), cors()]],
} as const

function createApp(sessions: Sessions, [before, after]: (typeof kits)[keyof typeof kits]) {
  const outer = new Hono()
  for (const each of before) outer.use(each)
  const app = outer.use(sessionMiddleware(sessions))
  for (const each of after) app.use(each)
  // Twice is once.
  app.use(sessionMiddleware(sessions))
  app.get('/public', (c) => c.text(page, 200, { 'Cache-Control': 'public, max-age=60' }))
  app.get('/text', async (c) => {
    const { data } = await c.var.session.get()
    expectTypeOf(data).toEqualTypeOf<Partial<Data>>()
    data['visits'] = Number(data['visits'] ?? 0) + 1
    setCookie(c, 'own', '1')
    return c.text(`${page}${String(data['visits'])}`, 200, { 'Cache-Control': 'public' })
  })
  app.get('/stream', async (c) => {
    const { data } = await c.var.session.get()
    data['visits'] = Number(data['visits'] ?? 0) + 1
    return stream(c, async (out) => {
      await out.write(page)
      await c.var.session.saveLate((late) => (late['late'] = true))
      await out.write('end')
    })
  })
  app.get('/redirect', async (c) => {
    const { signIn } = await c.var.session.get()
    signIn('ada')
    return c.redirect('/text', 303)
  })
  app.get('/throw/:what', async (c) => {
    const session = await c.var.session.get()
    session.data['visits'] = 100
    if (c.req.param('what') === 'destroyed') session.destroy()
    if (c.req.param('what') === 'exception') throw new HTTPException(401)
    if (c.req.param('what') === 'response') throw new Response('sign in first', { status: 401 })
    throw new Error('a bug')
  })
  app.get('/unsaveable', async (c) => {
    const { data } = await c.var.session.get()
    data['handler'] = () => {}
    c.header('Cache-Control', 'public')
    return c.text('saved')
  })
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse()
    return c.text(`Sorry: ${error.name}`, 500)
  })
  const slowly = (ms: string | undefined): Promise<void> => sleep(Number(ms ?? 0))
  app.get('/api/session', async (c) => {
    const { state, data } = await c.var.session.get()
    return c.json({ state, data: { ...data } } as object)
  })
  app.patch('/api/session', async (c) => {
    const { set = {}, delete: deleted = [] } = await c.req.json<{ set?: Data; delete?: string[] }>()
    const { state, data } = await c.var.session.get()
    await slowly(c.req.query('delay'))
    Object.assign(data, set)
    for (const key of deleted) delete data[key]
    return c.json({ state, data: { ...data } } as object)
  })
  app.post('/api/increment', async (c) => {
    const { state, data } = await c.var.session.get()
    await slowly(c.req.query('delay'))
    data['visits'] = Number(data['visits'] ?? 0) + 1
    return c.json({ state, data: { ...data } } as object)
  })
  app.post('/api/login', async (c) => {
    const { user } = await c.req.json<{ user: string }>()
    const session = await c.var.session.get()
    await slowly(c.req.query('delay'))
    session.renew()
    session.data['user'] = user
    return c.json({ state: session.state, data: { ...session.data } } as object)
  })
  app.post('/api/logout', async (c) => {
    const { destroy } = await c.var.session.get()
    destroy()
    return c.json({ state: 'new', data: {} })
  })
  return app
}

describe.each(Object.entries(kits))('%s', (name, kit) => {
  const { store, sessions } = createTestSessions()
  const hasKit = name !== 'Hono'
  let server: ServerType
  let url: string
  let visitor: Visitor

  beforeAll(
    () =>
      new Promise<void>((resolve) => {
        const options = { fetch: createApp(sessions, kit).fetch, port: 0, hostname: '127.0.0.1' }
        server = serve(options, ({ port }) => {
          url = `http://localhost:${port}`
          resolve()
        })
      }),
  )
  afterAll(() => void server.close())
  beforeEach(() => {
    store.isDown = false
    visitor = createVisitor((request) => fetch(request), { origin: url })
  })

  const dataOf = async (): Promise<Partial<Data>> => {
    const { session } = await sessions.open(visitor.cookie.split('; ').at(-1))
    return { ...session.data }
  }

  it('makes no trip and adds nothing if the session is not asked for', async () => {
    await visitor.fetch('/text')
    store.trips = 0
    const { headers } = await visitor.fetch('/public')
    expect(store.trips).toBe(0)
    expect(headers.get('Cache-Control')).toBe('public, max-age=60')
    expect(headers.get('Vary') ?? '').not.toMatch(/cookie/i)
    expect(headers.getSetCookie()).toEqual([])
  })

  it('saves with the response, and keeps the cookies of c.header and what others add', async () => {
    const { headers, status, ...response } = await visitor.fetch('/text').then(async (each) => ({
      status: each.status,
      headers: each.headers,
      text: await each.text(),
    }))
    expect([status, response.text]).toEqual([200, `${page}1`])
    const names = headers.getSetCookie().map((line) => line.split('=')[0])
    expect(new Set(names)).toEqual(new Set(['own', 'sid']))
    expect(names).toHaveLength(2)
    expect(headers.get('Cache-Control')).toBe('private, no-store')
    expect(headers.get('Vary')).toMatch(/Cookie/)
    expect(headers.get('Content-Encoding')).toBe(hasKit ? 'gzip' : null)
    expect(headers.get('X-Content-Type-Options')).toBe(hasKit ? 'nosniff' : null)
    expect(headers.get('Access-Control-Allow-Origin')).toBe(hasKit ? '*' : null)
    const again = await visitor.fetch('/text')
    await again.text()
    expect(again.headers.get('Cache-Control')).toBe('private')
  })

  it('streams, and saves late', async () => {
    const response = await visitor.fetch('/stream')
    expect(await response.text()).toBe(`${page}end`)
    expect(await dataOf()).toEqual({ visits: 1, late: true })
  })

  it('signs in with a redirect; if that was not done, the response is a 503 in its place', async () => {
    await visitor.fetch('/text')
    const old = visitor.cookie
    const { status, headers } = await visitor.fetch('/redirect')
    expect([status, headers.get('Location')]).toEqual([303, '/text'])
    expect(visitor.cookie).not.toBe(old)
    store.isDown = true
    const failed = await visitor.fetch('/redirect')
    expect([failed.status, failed.headers.get('Location')]).toEqual([503, null])
    expect(failed.headers.get('Retry-After')).toBe('5')
  })

  it.each([
    ['error', 500, { visits: 1 }],
    ['exception', 401, { visits: 1 }],
    ['destroyed', 500, {}],
    ['response', 401, { visits: 100 }],
  ])('what is thrown: %s', async (what, status, data) => {
    await visitor.fetch('/text')
    const response = await visitor.fetch(`/throw/${what}`)
    const text = await response.text()
    expect(response.status).toBe(status)
    if (what === 'response') expect(text).toBe('sign in first')
    expect(await dataOf()).toEqual(data)
  })

  it('gives onError what could not be saved, with nothing of the answer', async () => {
    const response = await visitor.fetch('/unsaveable')
    expect([response.status, await response.text()]).toEqual([500, 'Sorry: SessionError'])
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
  })

  describeHttpRaces(name, { url: () => url }, { describe, it })
})

it('sets the cookie on a 304 if etag comes after the session, or retains Set-Cookie', async () => {
  const { sessions } = createTestSessions()
  const session = sessionMiddleware(sessions)
  const retainedHeaders = [...RETAINED_304_HEADERS, 'set-cookie']
  const orders = {
    after: new Hono().use(session, etag()),
    retaining: new Hono().use(etag({ retainedHeaders }), session),
    // What etag does to every cookie.
    before: new Hono().use(etag(), session),
  }
  const answers: Record<string, unknown> = {}
  for (const [order, app] of Object.entries(orders)) {
    app.use(sessionMiddleware(sessions)).get('/', async (c) => {
      const { data } = await c.var.session.get()
      data['visits'] = 1
      return c.text('the same page')
    })
    const tag = (await app.request('/')).headers.get('ETag') ?? ''
    const { status, headers } = await app.request('/', { headers: { 'If-None-Match': tag } })
    answers[order] = [status, headers.getSetCookie().length, headers.get('Cache-Control')]
  }
  expect(answers).toEqual({
    after: [304, 1, 'private, no-store'],
    retaining: [304, 1, 'private, no-store'],
    before: [304, 0, 'private, no-store'],
  })
})

it('carries out a logout that timeout has not waited for, if timeout comes before the session', async () => {
  const { sessions } = createTestSessions()
  const answered = Promise.withResolvers<void>()
  const app = new Hono()
    .use('/out', timeout(1))
    .use(sessionMiddleware(sessions))
    .get('/', async (c) => {
      ;(await c.var.session.get()).data['visits'] = 1
      return c.text('welcome')
    })
    .get('/out', async (c) => {
      const { destroy } = await c.var.session.get()
      await answered.promise
      destroy()
      return c.text('signed out')
    })
  const Cookie = (await app.request('/')).headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const { status } = await app.request('/out', { headers: { Cookie } })
  expect([status, (await sessions.open(Cookie)).session.state]).toEqual([504, 'live'])
  answered.resolve()
  await expect.poll(async () => (await sessions.open(Cookie)).session.state).toBe('new')
})

it('asks onFailure of the middleware', async () => {
  const { sessions, store } = createTestSessions()
  const onFailure = () => new Response('not now', { status: 418 })
  const app = new Hono().use(sessionMiddleware(sessions, { onFailure })).get('/', async (c) => {
    const { signIn } = await c.var.session.get()
    signIn('ada')
    return c.text('welcome')
  })
  store.isDown = true
  expect((await app.request('/')).status).toBe(418)
})

it('refuses a second set of sessions on one request, and does not hand out the first', async () => {
  const [shop, admin] = [createTestSessions(), createTestSessions()]
  const app = new Hono()
    .use(sessionMiddleware(shop.sessions))
    .use('/admin', sessionMiddleware(admin.sessions))
    .get('/admin', (c) => c.text('the session of the shop'))
    .onError((error, c) => c.text(error.message, 500))
  const response = await app.request('/admin')
  expect(response.status).toBe(500)
  expect(await response.text()).toMatch(/another createSessions.*paths of its own/)
})

it('F2: keeps the sign-in of an app that is mounted with sessions of its own', async () => {
  const { sessions } = createTestSessions()
  const inner = new Hono().use(sessionMiddleware(sessions)).post('/login', async (c) => {
    ;(await c.var.session.get()).signIn('ada')
    return c.text('welcome')
  })
  const app = new Hono()
    .use(sessionMiddleware(sessions))
    .use(async (c, next) => {
      ;(await c.var.session.get()).data['visits'] = 1
      await next()
    })
    .mount('/account', inner.fetch)
  const response = await app.request('/account/login', { method: 'POST' })
  const [cookie = '', ...more] = response.headers.getSetCookie()
  const { session } = await sessions.open(cookie.split(';')[0])
  expect([await response.text(), session.subject, more]).toEqual(['welcome', 'ada', []])
})

it('says once that a cookie did not leave, where the handler wrote to the response of Node.js', async () => {
  const { sessions } = createTestSessions()
  const app = new Hono<{ Bindings: HttpBindings }>().use(sessionMiddleware(sessions))
  app.get('/:what', async (c) => {
    const { data } = await c.var.session.get()
    if (c.req.param('what') === 'change') data['visits'] = 1
    c.env.outgoing.end('mine')
    return RESPONSE_ALREADY_SENT
  })
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  expect(await (await fetch(`${url}/read`)).text()).toBe('mine')
  expect(said.mock.calls).toEqual([])
  for (let times = 0; times < 2; times++) {
    const response = await fetch(`${url}/change`)
    expect([await response.text(), response.headers.getSetCookie()]).toEqual(['mine', []])
  }
  await vi.waitFor(() => expect(said.mock.calls).toHaveLength(1))
  expect(said.mock.calls[0]?.[0]).toMatch(/RESPONSE_ALREADY_SENT.*A cookie .* is lost/)
  said.mockRestore()
  server.close()
})

it('does not break off what the handler is sending to say that a sign-out was not done', async () => {
  const { sessions, store } = createTestSessions()
  const app = new Hono<{ Bindings: HttpBindings }>()
  const ended = vi.fn<() => void>()
  const sends = app.use((_c, next) => next().then(ended)).use(sessionMiddleware(sessions))
  sends.get('/', async (c) => {
    const session = await c.var.session.get()
    session.data['n'] = 1
    return c.text('begun')
  })
  let finish = (): void => {}
  sends.get('/out', async (c) => {
    const { destroy } = await c.var.session.get()
    destroy()
    store.isDown = true
    c.env.outgoing.write('the first half')
    finish = () => void c.env.outgoing.end(', the second half')
    return RESPONSE_ALREADY_SENT
  })
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [Cookie = ''] = (await fetch(`http://127.0.0.1:${port}/`)).headers.getSetCookie()
  const response = await fetch(`http://127.0.0.1:${port}/out`, { headers: { Cookie } })
  await vi.waitFor(() => expect(ended).toHaveBeenCalledTimes(2))
  await sleep(20)
  finish()
  expect(await response.text()).toBe('the first half, the second half')
  said.mockRestore()
  server.close()
})

it('lets Hono report a handler that returns nothing, and saves nothing', async () => {
  const { sessions, store } = createTestSessions()
  const app = new Hono()
    .use(sessionMiddleware(sessions))
    .get('/', async (c) => {
      ;(await c.var.session.get()).data['visits'] = 1
      return undefined as unknown as Response
    })
    .onError((error, c) => c.text(error.message, 500))
  const response = await app.request('/')
  expect([response.status, await response.text()]).toEqual([
    500,
    expect.stringMatching(/not finalized/),
  ])
  expect(store.trips).toBe(0)
})

describe('a WebSocket on Bun, whose upgrade takes no header', () => {
  function createSockets(change: (session: Awaited<ReturnType<typeof get>>) => void) {
    const { sessions, store } = createTestSessions()
    const app = new Hono().use(sessionMiddleware(sessions))
    app.get(
      '/socket',
      async (c, next) => {
        change(await c.var.session.get())
        await next()
      },
      // As upgradeWebSocket of hono/bun, which Node.js cannot import. On Bun: see the example of the servers.
      async (c) => {
        const isUpgraded = (c.env as { upgrade: () => boolean }).upgrade()
        return isUpgraded ? new Response(null) : c.notFound()
      },
    )
    app.onError((error, c) => c.text(error.message, 500))
    const headers = { Upgrade: 'websocket' }
    const ask = (upgrades = true) =>
      app.request('/socket', { headers }, { upgrade: () => upgrades })
    return { ask, store }
  }
  const get = (sessions: Sessions) => sessions.open(null).then(({ session }) => session)

  it('is let through if the session was only read', async () => {
    const { ask } = createSockets(({ data }) => void data['visits'])
    const { status, body } = await ask()
    expect([status, body]).toEqual([200, null])
  })

  it('saves nothing of what its handler has changed, and says what to do', async () => {
    const { ask, store } = createSockets(({ data }) => (data['visits'] = 1))
    const response = await ask()
    expect(response.status).toBe(500)
    expect(await response.text()).toMatch(/status 101.*commit\(\)/)
    expect(store.trips).toBe(0)
  })

  it('that is refused is an answer like any other', async () => {
    const { ask } = createSockets(({ data }) => (data['visits'] = 1))
    const response = await ask(false)
    expect(response.status).toBe(404)
    expect(response.headers.getSetCookie()).toHaveLength(1)
  })
})
