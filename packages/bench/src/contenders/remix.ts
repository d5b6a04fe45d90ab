import { createCookie } from '@remix-run/cookie'
import { createMemorySessionStorage as createRemix2Memory } from '@remix-run/node'
import type { SessionStorage as Remix3Storage } from '@remix-run/session'
import { createMemorySessionStorage as createRemix3Memory } from '@remix-run/session/memory-storage'
import { createMemcacheSessionStorage } from '@remix-run/session-storage-memcache'
import { createRedisSessionStorage } from '@remix-run/session-storage-redis'
import { createCookieSessionStorage, createMemorySessionStorage } from 'react-router'
import { routeOf, webSite } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { openRedis } from './redis-client.ts'
import { secret } from './session-data.ts'
import type { Data } from './session-data.ts'
import { answerWith, withSetCookie } from './web-app.ts'

const cookie = { name: 'sid', secrets: [secret], httpOnly: true, secure: true, path: '/' }

/** The common interface of React Router and Remix 2. */
interface Storage<session extends RouterSession> {
  readonly getSession: (cookie: string | null) => Promise<session>
  readonly commitSession: (session: session) => Promise<string>
  readonly destroySession: (session: session) => Promise<string>
}

interface RouterSession {
  readonly data: object
  set(key: string, value: unknown): void
}

function startRouter<session extends RouterSession>(
  { getSession, commitSession, destroySession }: Storage<session>,
  circumstances: Circumstances,
): Site {
  return webSite(async (request) => {
    const session = await getSession(request.headers.get('cookie'))
    let isDestroyed = false
    return answerWith(
      routeOf(request),
      request,
      {
        data: session.data as Partial<Data>,
        set(changes) {
          for (const [key, value] of Object.entries(changes)) session.set(key, value)
        },
        renew: () => {},
        destroy() {
          isDestroyed = true
        },
        async save(response) {
          const end = isDestroyed ? destroySession : commitSession
          return withSetCookie(response, await end(session))
        },
      },
      circumstances,
    )
  })
}

/** Does the same as the session middleware of Remix 3. */
function startRemix3(
  storage: Remix3Storage,
  circumstances: Circumstances,
  close?: () => unknown,
): Site {
  const { name, ...options } = cookie
  const sessionCookie = createCookie(name, options)
  return webSite(async (request) => {
    const session = await storage.read(await sessionCookie.parse(request.headers.get('cookie')))
    return answerWith(
      routeOf(request),
      request,
      {
        get data() {
          return session.data[0] as Partial<Data>
        },
        set(changes) {
          for (const [key, value] of Object.entries(changes)) session.set(key, value)
        },
        renew: () => session.regenerateId(true),
        destroy: () => session.destroy(),
        async save(response) {
          const value = await storage.save(session)
          if (value === null) return response
          return withSetCookie(response, await sessionCookie.serialize(value))
        },
      },
      circumstances,
    )
  }, close)
}

const shared = { floor: 'web', without: ['unasked', 'renew'] } as const
const remix3 = ['@remix-run/session', '@remix-run/cookie']

export const contenders: readonly Contender[] = [
  {
    ...shared,
    name: 'React Router 8, memory',
    store: 'memory',
    packages: ['react-router'],
    keepsId: true,
    start: async (circumstances) =>
      startRouter(createMemorySessionStorage({ cookie }), circumstances),
  },
  {
    ...shared,
    name: 'React Router 8, cookie',
    store: 'cookie',
    packages: ['react-router'],
    start: async (circumstances) =>
      startRouter(createCookieSessionStorage({ cookie }), circumstances),
  },
  {
    ...shared,
    name: 'Remix 2, memory',
    store: 'memory',
    packages: ['@remix-run/node'],
    keepsId: true,
    start: async (circumstances) => startRouter(createRemix2Memory({ cookie }), circumstances),
  },
  {
    ...shared,
    name: 'Remix 3 session, memory',
    store: 'memory',
    packages: remix3,
    start: async (circumstances) => startRemix3(createRemix3Memory(), circumstances),
  },
  {
    ...shared,
    name: 'Remix 3 session, memcache',
    store: 'memcached',
    packages: [...remix3, '@remix-run/session-storage-memcache'],
    start: async (circumstances) =>
      startRemix3(
        createMemcacheSessionStorage(`127.0.0.1:${circumstances.memcached}`),
        circumstances,
      ),
  },
  {
    ...shared,
    name: 'Remix 3 session, redis',
    store: 'redis',
    packages: [...remix3, '@remix-run/session-storage-redis', 'redis'],
    async start(circumstances) {
      const client = await openRedis(circumstances.redis)
      const storage = createRedisSessionStorage(client, { ttl: 86_400 })
      return startRemix3(storage, circumstances, () => client.destroy())
    },
  },
]
