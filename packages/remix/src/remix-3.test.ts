import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createCookie } from 'remix/cookie'
import { createRouter } from 'remix/fetch-router'
import type { Middleware } from 'remix/fetch-router'
import { createMemorySessionStorage } from 'remix/session/memory-storage'
import { Session } from 'remix/session'
import { session as peerMiddleware } from 'remix/session-middleware'
import { describe, expect, it } from 'vitest'
import { commit, getSession, sessionMiddleware } from './remix-3.ts'

function setUp() {
  const sessions = createSessions<{ user: string }>({
    store: memoryStore(),
    cookie: { plainHttp: true },
  })
  const middleware: Middleware = sessionMiddleware(sessions)
  const router = createRouter({ middleware: [middleware] })
  router.get('/login', async (context) => {
    const session = await getSession<typeof sessions>(context)
    session.signIn('ada')
    session.data.user = 'ada'
    return Response.redirect('http://localhost/')
  })
  router.get('/', async (context) => {
    const { data } = await getSession<typeof sessions>(context)
    return new Response(data.user ?? 'nobody')
  })
  router.get('/cacheable', async (context) => {
    const session = await getSession<typeof sessions>(context)
    session.data.user = 'ada'
    return new Response('ada', { headers: { 'Cache-Control': 'public, max-age=60' } })
  })
  router.get('/fault', async (context) => {
    const session = await getSession<typeof sessions>(context)
    session.data.user = 'eve'
    throw new Error('a fault')
  })
  router.get('/logout-fault', async (context) => {
    const session = await getSession<typeof sessions>(context)
    session.destroy()
    throw new Error('a fault')
  })
  router.get('/commit', async (context) => new Response((await commit(context)).outcome))
  const get = (path: string, cookie = ''): Promise<Response> =>
    router.fetch(new Request(`http://localhost${path}`, { headers: { Cookie: cookie } }))
  const who = async (cookie: string): Promise<string> => (await get('/', cookie)).text()
  return { get, who }
}

function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

describe('sessionMiddleware on fetch-router', () => {
  it('sets the cookie on an immutable redirect, and reads the session with it', async () => {
    const { get, who } = setUp()
    expect(await who(cookieOf(await get('/login')))).toBe('ada')
  })

  it('drops the changes if a handler throws', async () => {
    const { get, who } = setUp()
    const cookie = cookieOf(await get('/login'))
    await expect(get('/fault', cookie)).rejects.toThrow('a fault')
    expect(await who(cookie)).toBe('ada')
  })

  it('carries out a logout before a handler throws', async () => {
    const { get, who } = setUp()
    const cookie = cookieOf(await get('/login'))
    await expect(get('/logout-fault', cookie)).rejects.toThrow('a fault')
    expect(await who(cookie)).toBe('nobody')
  })

  it('lets no cache store a response that sets the cookie', async () => {
    const { get } = setUp()
    expect((await get('/cacheable')).headers.get('Cache-Control')).toBe('private, no-store')
  })

  it('returns the outcome from commit(context)', async () => {
    const { get } = setUp()
    expect(await (await get('/commit')).text()).toBe('unchanged')
  })

  it('covers an address without a route', async () => {
    const { get } = setUp()
    expect((await get('/nowhere')).status).toBe(404)
  })

  it('says where to add it', async () => {
    const router = createRouter()
    router.get('/', async (context) => new Response((await getSession(context)).id))
    await expect(router.fetch('http://localhost/')).rejects.toThrow(
      'add sessionMiddleware(sessions) to createRouter({ middleware: [...] })',
    )
  })
})

/** Why there is no SessionStorage for it here: no storage can change this. */
describe('the session middleware of Remix 3', () => {
  function setUpPeer() {
    const storage = createMemorySessionStorage()
    const reads: (string | null)[] = []
    const counted = {
      ...storage,
      read: (cookie: string | null) => {
        reads.push(cookie)
        return storage.read(cookie)
      },
    }
    const cookie = createCookie('__s', { secrets: ['secret'] })
    const router = createRouter({ middleware: [peerMiddleware(cookie, counted)] })
    router.get('/public', () => new Response('public'))
    router.get('/login', (context) => {
      const session = context.get(Session)
      session.set('user', 'ada')
      return new Response()
    })
    router.get('/logout', (context) => {
      const session = context.get(Session)
      session.destroy()
      return new Response()
    })
    router.get('/cacheable', (context) => {
      const session = context.get(Session)
      session.set('user', 'ada')
      return new Response('ada', { headers: { 'Cache-Control': 'public, max-age=60' } })
    })
    router.get('/logout-fault', (context) => {
      const session = context.get(Session)
      session.destroy()
      throw new Error('a fault')
    })
    router.get('/', (context) => {
      const session = context.get(Session)
      return new Response(String(session.get('user')))
    })
    const get = (path: string, sent = ''): Promise<Response> =>
      router.fetch(new Request(`http://localhost${path}`, { headers: { Cookie: sent } }))
    return { get, reads }
  }

  it('reads for every request, also if the session is not used', async () => {
    const { get, reads } = setUpPeer()
    await get('/public', cookieOf(await get('/login')))
    expect(reads).toHaveLength(2)
  })

  it('does not carry out a logout if the handler throws after it', async () => {
    const { get } = setUpPeer()
    const cookie = cookieOf(await get('/login'))
    await expect(get('/logout-fault', cookie)).rejects.toThrow('a fault')
    expect(await (await get('/', cookie)).text()).toBe('ada')
  })

  it('empties the cookie at a logout, and does not delete it', async () => {
    const { get } = setUpPeer()
    const [setCookie = ''] = (
      await get('/logout', cookieOf(await get('/login')))
    ).headers.getSetCookie()
    expect(setCookie).toMatch(/^__s=;/)
    expect(setCookie).not.toMatch(/Max-Age=0|Expires=/)
  })

  it('lets caches store a response that sets the cookie', async () => {
    const { get } = setUpPeer()
    const { headers } = await get('/cacheable')
    expect(headers.getSetCookie()).toHaveLength(1)
    expect(headers.get('Cache-Control')).toBe('public, max-age=60')
  })
})
