import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import type { FastifySessionOptions } from '@fastify/session'
import fastify from 'fastify'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { nodeSite } from '../drive/node-site.ts'
import { addedKeyOf } from '../drive/web-site.ts'
import type { Circumstances, Contender, Site } from './contender.ts'
import { openMemjs } from './express.ts'
import { countAdded, secret } from './session-data.ts'
import type { Data } from './session-data.ts'

declare module 'fastify' {
  interface Session extends Partial<Data> {}
}

interface Opened {
  readonly store?: NonNullable<FastifySessionOptions['store']>
  readonly close?: () => unknown
}

type Open = (circumstances: Circumstances) => Opened

/** Its cheapest settings: an untouched session is neither saved nor gets its cookie again. */
async function start(open: Open, circumstances: Circumstances): Promise<Site> {
  const { store, close } = open(circumstances)
  const { newData, gate } = circumstances
  const app = fastify()
  await app.register(fastifyCookie)
  await app.register(fastifySession, {
    secret,
    saveUninitialized: false,
    rolling: false,
    cookie: { secure: true },
    ...(store && { store }),
  })

  /** For routes that need a session. */
  const get = (
    route: string,
    handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
  ) => {
    app.get(`/${route}`, (request, reply) =>
      request.session.n === undefined ? reply.code(404).send('none') : handler(request, reply),
    )
  }
  app.get('/untouched', (_, reply) => reply.send('ok'))
  app.get('/create', (request, reply) => {
    Object.assign(request.session, newData())
    return reply.send('0')
  })
  get('read', ({ session }, reply) => reply.send(String(session.n)))
  get('change', ({ session }, reply) => reply.send(String(++session.n!)))
  get('sign-in', async (request, reply) => {
    await request.session.regenerate(['n', 'items'])
    request.session.user = 'account'
    return reply.send('in')
  })
  get('sign-out', async (request, reply) => {
    await request.session.destroy()
    return reply.send('out')
  })
  get('add', (request, reply) => {
    Object.assign(request.session, { [addedKeyOf(request)]: 1 })
    return reply.send('added')
  })
  get('keys', ({ session }, reply) => reply.send(String(countAdded(session))))
  get('hold', async ({ session }, reply) => {
    await gate()
    return reply.send(String(++session.n!))
  })
  await app.ready()
  return nodeSite(app.routing, async () => {
    await app.close()
    await close?.()
  })
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
    floor: 'fastify',
    packages: ['@fastify/session', '@fastify/cookie', ...packages],
    without: ['unasked', 'renew'],
    start: (circumstances) => start(open, circumstances),
  }
}

export const contenders: readonly Contender[] = [
  contender('@fastify/session, memory', 'memory', [], () => ({})),
  contender('@fastify/session, connect-memjs', 'memcached', ['connect-memjs', 'memjs'], (all) => {
    const { store, close } = openMemjs(all)
    return { store: store as unknown as NonNullable<Opened['store']>, ...(close && { close }) }
  }),
]
