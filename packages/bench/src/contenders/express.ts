import connectMemcached from 'connect-memcached'
import connectMemjs from 'connect-memjs'
import { RedisStore } from 'connect-redis'
import express from 'express'
import type { Request, RequestHandler, Response } from 'express'
import session from 'express-session'
import { nodeSite } from '../drive/node-site.ts'
import { addedKeyOf } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { openRedis } from './redis-client.ts'
import { countAdded, secret } from './session-data.ts'
import type { Data } from './session-data.ts'

declare module 'express-session' {
  interface SessionData extends Partial<Data> {}
}

interface Opened {
  readonly store: session.Store
  readonly close?: () => unknown
}

type Open = (circumstances: Circumstances) => Opened | Promise<Opened>

/** As its README recommends for most applications: neither `resave` nor `saveUninitialized`. */
async function start(open: Open, circumstances: Circumstances): Promise<Site> {
  const { store, close } = await open(circumstances)
  const { newData, gate } = circumstances
  const app = express()
  app.disable('x-powered-by').disable('etag')
  app.use(
    session({ secret, store, resave: false, saveUninitialized: false, cookie: { secure: true } }),
  )

  /** For routes that need a session. */
  const get = (route: string, handler: (request: Request, response: Response) => unknown) => {
    const checked: RequestHandler = (request, response) => {
      if (request.session.n === undefined) response.status(404).end('none')
      else handler(request, response)
    }
    app.get(`/${route}`, checked)
  }
  app.get('/untouched', (_, response) => void response.end('ok'))
  app.get('/create', (request, response) => {
    Object.assign(request.session, newData())
    response.end('0')
  })
  get('read', ({ session }, response) => response.end(String(session.n)))
  get('change', ({ session }, response) => response.end(String(++session.n!)))
  get('sign-in', (request, response) => {
    const { n, items } = request.session
    request.session.regenerate((error) => {
      if (error) return response.status(500).end()
      Object.assign(request.session, { n, items, user: 'account' })
      response.end('in')
    })
  })
  get('sign-out', (request, response) => {
    request.session.destroy((error) => response.status(error ? 500 : 200).end('out'))
  })
  get('add', (request, response) => {
    Object.assign(request.session, { [addedKeyOf(request)]: 1 })
    response.end('added')
  })
  get('keys', ({ session }, response) => response.end(String(countAdded(session))))
  get('hold', async ({ session }, response) => {
    await gate()
    response.end(String(++session.n!))
  })
  return nodeSite(app, close)
}

export function openMemjs(circumstances: Circumstances): Opened {
  const MemjsStore = connectMemjs(session)
  const { memcached, patient } = circumstances
  const servers = [`127.0.0.1:${memcached}`]
  const store = new MemjsStore({ servers, ...(patient && { timeout: 10 }) })
  return { store, close: () => store.client.close() }
}

function openMemcached({ memcached, patient }: Circumstances): Opened {
  const MemcachedStore = connectMemcached(session)
  const hosts = [`127.0.0.1:${memcached}`]
  const store = new MemcachedStore({ hosts, ...(patient && { timeout: 10_000 }) })
  return { store, close: () => store.client.end() }
}

/** The expiry of an untouched session is extended by a separate command, which the Redis store can omit. */
async function openConnectRedis({ redis }: Circumstances): Promise<Opened> {
  const client = await openRedis(redis)
  return { store: new RedisStore({ client, disableTouch: true }), close: () => client.destroy() }
}

function contender(
  name: string,
  store: Contender['store'],
  packages: readonly string[],
  open: Open,
): Contender {
  return {
    name,
    store,
    floor: 'express',
    packages: ['express-session', ...packages],
    without: ['unasked', 'renew'],
    start: (circumstances) => start(open, circumstances),
  }
}

export const contenders: readonly Contender[] = [
  contender('express-session, memory', 'memory', [], () => ({ store: new session.MemoryStore() })),
  contender('express-session, connect-memjs', 'memcached', ['connect-memjs', 'memjs'], openMemjs),
  contender(
    'express-session, connect-memcached',
    'memcached',
    ['connect-memcached', 'memcached'],
    openMemcached,
  ),
  contender(
    'express-session, connect-redis',
    'redis',
    ['connect-redis', 'redis'],
    openConnectRedis,
  ),
]
