import { useSession, useSessionStorage } from '@hono/session'
import type { Storage, SessionEnv } from '@hono/session'
import { Hono } from 'hono'
import type { MiddlewareHandler } from 'hono'
import { CookieStore, MemoryStore, sessionMiddleware } from 'hono-sessions'
import type { Session } from 'hono-sessions'
import { routeOf, webSite } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { secret } from './session-data.ts'
import type { Data } from './session-data.ts'
import { answerWith } from './web-app.ts'
import type { Held } from './web-app.ts'

type HonoSessionsEnv = {
  Variables: { session: Session<Record<string, unknown>>; session_key_rotation: boolean }
}

/** Sessions are not extended at every request, because that would write every time. */
function startHonoSessions(middleware: MiddlewareHandler, circumstances: Circumstances): Site {
  const app = new Hono<HonoSessionsEnv>()
  app.use('*', middleware)
  app.get('/:route', (context) => {
    const session = context.get('session')
    const held: Held = {
      get data() {
        const all = session.getCache()._data as Record<string, { value: unknown }>
        return Object.fromEntries(Object.entries(all).map(([key, { value }]) => [key, value]))
      },
      set(changes) {
        for (const [key, value] of Object.entries(changes)) session.set(key, value)
      },
      renew: () => context.set('session_key_rotation', true),
      destroy: () => session.deleteSession(),
      save: (response) => response,
      reply: (text, status) => context.text(text, status),
    }
    return answerWith(routeOf(context.req.raw), context.req.raw, held, circumstances)
  })
  return webSite(app.fetch)
}

function startHonoSession(
  storage: Storage<Partial<Data>> | null,
  circumstances: Circumstances,
): Site {
  const app = new Hono<SessionEnv<Partial<Data>>>()
  if (storage !== null) app.use(useSessionStorage(storage))
  app.use(useSession<Partial<Data> & Record<string, unknown>>({ secret: 'ab'.repeat(32) }) as never)
  app.get('/:route', async (context) => {
    const { session } = context.var
    const data = await session.get()
    const held: Held = {
      data: data ?? {},
      set: (changes) => session.update({ ...data, ...changes }),
      renew: () => {},
      destroy: () => session.delete(),
      save: (response) => response,
      reply: (text, status) => context.text(text, status),
    }
    return answerWith(routeOf(context.req.raw), context.req.raw, held, circumstances)
  })
  return webSite(app.fetch)
}

/** A storage as sketched in its README. */
function mapStorage(): Storage<Partial<Data>> {
  const records = new Map<string, string>()
  return {
    get: (sid) => JSON.parse(records.get(sid) ?? 'null') as Partial<Data> | null,
    set: (sid, value) => void records.set(sid, JSON.stringify(value)),
    delete: (sid) => void records.delete(sid),
  }
}

const shared = { floor: 'hono', without: ['unasked', 'renew'] } as const

export const contenders: readonly Contender[] = [
  {
    ...shared,
    name: 'hono-sessions, memory',
    store: 'memory',
    packages: ['hono-sessions', 'hono'],
    start: async (circumstances) =>
      startHonoSessions(
        sessionMiddleware({ store: new MemoryStore(), autoExtendExpiration: false }) as never,
        circumstances,
      ),
  },
  {
    ...shared,
    name: 'hono-sessions, cookie',
    store: 'cookie',
    packages: ['hono-sessions', 'hono'],
    start: async (circumstances) =>
      startHonoSessions(
        sessionMiddleware({
          store: new CookieStore(),
          encryptionKey: secret,
          autoExtendExpiration: false,
        }) as never,
        circumstances,
      ),
  },
  {
    ...shared,
    name: '@hono/session, memory',
    store: 'memory',
    packages: ['@hono/session', 'hono'],
    keepsId: true,
    start: async (circumstances) => startHonoSession(mapStorage(), circumstances),
  },
  {
    ...shared,
    name: '@hono/session, cookie',
    store: 'cookie',
    packages: ['@hono/session', 'hono'],
    start: async (circumstances) => startHonoSession(null, circumstances),
  },
]
