import type { LifetimeOptions, Sessions } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { sessionStorage } from '@coatcheck/remix'
import { getSession, sessionMiddleware } from '@coatcheck/remix/remix-3'
import type { SessionStorage } from 'react-router'
import { createCookieSessionStorage, createMemorySessionStorage } from 'react-router'
import { createCookie } from 'remix/cookie'
import type { Middleware, RequestContext } from 'remix/fetch-router'
import { createRouter } from 'remix/fetch-router'
import { Session } from 'remix/session'
import { session as memcacheMiddleware } from 'remix/session-middleware'
import { createMemcacheSessionStorage as memcacheStorage } from 'remix/session-storage-memcache'

/** A session library, as a request uses it. */
export interface Peer {
  /** Opens the session of a Cookie header. */
  readonly open: (cookie: string) => Promise<Request>
}

export interface Request {
  readonly get: (key: string) => unknown
  readonly set: (key: string, value: unknown) => void
  /** Saves, and returns the Cookie header that the browser sends from now on. */
  readonly commit: () => Promise<string>
  readonly destroy: () => Promise<string>
}

type Data = Record<string, unknown>

const cookie = { name: '__session', secrets: ['secret'] }

export const cookiePeer = (): Peer => storagePeer(createCookieSessionStorage<Data>({ cookie }))

export const memoryPeer = (): Peer => storagePeer(createMemorySessionStorage<Data>({ cookie }))

export { memcacheStorage }

type Protocol = 'auto' | 'binary'

export const ours = (address: string, protocol?: Protocol): Peer =>
  storagePeer(ourStorage(address, {}, protocol))

export function ourStorage(address: string, lifetime?: LifetimeOptions, protocol?: Protocol) {
  return sessionStorage<Data>(ourSessions(address, lifetime, protocol), { authKeys: ['user'] })
}

function ourSessions(
  address: string,
  lifetime: LifetimeOptions = {},
  protocol: Protocol = 'auto',
): Sessions<Partial<Data>> {
  const store = memcachedStore({ servers: address, protocol })
  return createSessions<Data>({ store, secrets: 'none', cookie: { plainHttp: true }, lifetime })
}

/** The storage, used as the middleware of Remix 3 uses it. */
export function memcachePeer(address: string): Peer {
  const storage = memcacheStorage(address)
  const signed = createCookie('__session', { secrets: ['secret'] })
  return {
    async open(sent) {
      const session = await storage.read(await signed.parse(sent))
      const commit = async (): Promise<string> => {
        const value = await storage.save(session)
        return value === null ? sent : pairOf(await signed.serialize(value))
      }
      return {
        get: (key) => session.get(key),
        set: (key, value) => session.set(key, value),
        commit,
        destroy: () => {
          session.destroy()
          return commit()
        },
      }
    },
  }
}

/** An application on Remix 3. */
export interface Page {
  /** Returns the text. */
  readonly get: (path: string, cookie: string) => Promise<string>
  readonly signedIn: () => Promise<string>
}

export function memcachePage(address: string): Page {
  const signed = createCookie('__session', { secrets: ['secret'] })
  // It extends the context's type, which is not needed here.
  const middleware: unknown = memcacheMiddleware(signed, memcacheStorage(address))
  return createPage(
    middleware as Middleware,
    async (context) => String(context.get(Session).get('user')),
    async (context) => context.get(Session).set('user', 'ada'),
  )
}

export function ourPage(address: string): Page {
  const sessions = ourSessions(address)
  const data = async (context: RequestContext): Promise<Data> =>
    (await getSession<typeof sessions>(context)).data
  return createPage(
    sessionMiddleware(sessions),
    async (context) => String((await data(context))['user']),
    async (context) => void ((await data(context))['user'] = 'ada'),
  )
}

function createPage(
  middleware: Middleware,
  read: (context: RequestContext) => Promise<string>,
  write: (context: RequestContext) => Promise<void>,
): Page {
  const router = createRouter({ middleware: [middleware] })
  router.get('/none', () => new Response('nobody'))
  router.get('/three', async (context) => {
    const parts = await Promise.all([read(context), read(context), read(context)])
    return new Response(parts.join(' '))
  })
  router.get('/login', async (context) => {
    await write(context)
    return new Response()
  })
  const fetch = (path: string, cookie: string): Promise<Response> =>
    router.fetch(new Request(`http://localhost${path}`, { headers: { Cookie: cookie } }))
  return {
    get: async (path, cookie) => (await fetch(path, cookie)).text(),
    signedIn: async () => pairOf((await fetch('/login', '')).headers.getSetCookie()[0] ?? ''),
  }
}

function storagePeer(storage: SessionStorage<Data>): Peer {
  return {
    async open(sent) {
      const session = await storage.getSession(sent)
      return {
        get: (key) => session.get(key),
        set: (key, value) => session.set(key, value),
        commit: async () => pairOf(await storage.commitSession(session)) || sent,
        destroy: async () => pairOf(await storage.destroySession(session)) || sent,
      }
    },
  }
}

function pairOf(setCookie: string): string {
  return setCookie.split(';')[0] ?? ''
}
