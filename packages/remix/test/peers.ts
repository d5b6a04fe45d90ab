import { createSessions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { sessionStorage } from '@coatcheck/remix'
import type { SessionStorage } from 'react-router'
import { createCookieSessionStorage, createMemorySessionStorage } from 'react-router'
import { createCookie } from 'remix/cookie'
import { createMemcacheSessionStorage } from 'remix/session-storage-memcache'

/** One way to keep sessions, as a request uses it. */
export interface Peer {
  /** Opens the session of a Cookie header. */
  readonly open: (cookie: string) => Promise<Request>
}

export interface Request {
  readonly get: (key: string) => unknown
  readonly set: (key: string, value: unknown) => void
  /** Saves, and gives what the browser sends from now on. */
  readonly commit: () => Promise<string>
  readonly destroy: () => Promise<string>
}

type Data = Record<string, unknown>

const cookie = { name: '__session', secrets: ['secret'] }

export const cookiePeer = (): Peer => storagePeer(createCookieSessionStorage<Data>({ cookie }))

export const memoryPeer = (): Peer => storagePeer(createMemorySessionStorage<Data>({ cookie }))

export function ours(address: string): Peer {
  const store = memcachedStore({ servers: address })
  const sessions = createSessions({ store, secrets: 'none', cookie: { plainHttp: true } })
  return storagePeer(sessionStorage<Data>(sessions))
}

/** As the middleware of Remix 3 uses it. */
export function memcachePeer(address: string): Peer {
  const storage = createMemcacheSessionStorage(address)
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
