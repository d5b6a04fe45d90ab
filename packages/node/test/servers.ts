import type { createTestSessions } from '@coatcheck/harness/test-sessions'
import fastifyCompress from '@fastify/compress'
import fastifyCors from '@fastify/cors'
import fastifyHelmet from '@fastify/helmet'
import express5 from 'express'
import Fastify from 'fastify'
import helmet from 'helmet'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { dropOnError, sessionMiddleware } from '../src/express.ts'
import { sessionPlugin } from '../src/fastify.ts'
import { withSession } from '../src/index.ts'
import type { NodeOptions } from '../src/index.ts'
import type { TestSession } from './routes.ts'
import { answerRaces, count, page } from './routes.ts'

const require = createRequire(import.meta.url)
const express4 = require('express-4') as typeof express5
const compression = require('compression') as (options: object) => unknown
const cors = require('cors') as () => unknown

type Sessions = ReturnType<typeof createTestSessions>['sessions']
type Respond = (response: ServerResponse, session: TestSession) => unknown

export interface Running {
  readonly url: string
  readonly stop: () => unknown
}

export type StartServer = (sessions: Sessions, options: NodeOptions) => Promise<Running>

/** Routes that send by the methods of Node, which are the same on every server. */
export const raw: Readonly<Record<string, Respond>> = {
  '/public': (response) => {
    response.setHeader('Cache-Control', 'public, max-age=60').setHeader('Content-Type', 'text/html')
    response.end(page)
  },
  '/end': async (response, session) => {
    response.setHeader('Content-Type', 'text/html').end(page + (await count(session)))
  },
  '/write-head': async (response, session) => {
    const n = await count(session)
    response
      .writeHead(201, { 'Content-Type': 'text/html', 'Cache-Control': 'public' })
      .end(page + n)
  },
  '/write-head-list': async (response, session) => {
    const n = await count(session)
    const lines = ['Content-Type', 'text/html', 'Set-Cookie', 'own=1', 'Set-Cookie', 'other=2']
    response.writeHead(200, 'Fine', lines)
    response.end(page + n)
  },
  '/pieces': async (response, session) => {
    response.setHeader('Content-Type', 'text/html')
    await count(session)
    response.flushHeaders()
    for (const piece of [page, page]) response.write(piece)
    response.end('1')
  },
  '/stream': async (response, session) => {
    response.setHeader('Content-Type', 'text/html')
    const n = await count(session)
    await pipeline(Readable.from([page, page, String(n)]), response)
  },
  '/redirect': async (response, session) => {
    const { signIn } = await session.get()
    signIn('ada')
    response.writeHead(303, { Location: '/end' }).end()
  },
  '/late': async (response, session) => {
    response.write('a')
    const { data } = await session.get()
    try {
      data['visits'] = 1
      response.end('changed')
    } catch (error) {
      response.end((error as Error).message)
    }
  },
  '/unsaveable': async (response, session) => {
    const { data } = await session.get()
    data['handler'] = () => {}
    response.end('saved')
  },
  '/five-hundred': async (response, session) => {
    await count(session)
    response.writeHead(500).end('sorry')
  },
  '/after-end': async (response, session) => {
    await count(session)
    response.end('first')
    response.statusCode = 500
    response.setHeader('X-Late', '1')
    response.end('second')
    response.write('third')
  },
}

export const fails = async (session: TestSession, path: string): Promise<never> => {
  await count(session)
  if (path === '/fail-destroyed') (await session.get()).destroy()
  throw Object.assign(
    new Error('a bug'),
    path === '/fail-400' ? { status: 400, statusCode: 400 } : {},
  )
}

const listening = async (server: ReturnType<typeof createServer>): Promise<Running> => {
  await new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(null)))
  const { port } = server.address() as AddressInfo
  return { url: `http://localhost:${port}`, stop: () => server.close() }
}

/** Answers by `raw`, by the routes of the races, or by an error. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  session: TestSession,
): Promise<void> {
  const { method = '', url = '' } = request
  const [path = ''] = url.split('?')
  if (path.startsWith('/fail')) await fails(session, path)
  const respond = raw[path]
  if (respond) return void (await respond(response, session))
  const seen = await answerRaces(method, url, () => text(request), session)
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(seen))
}

const startHttp: StartServer = (sessions, options) =>
  listening(
    createServer(
      withSession(
        sessions,
        (request, response) => answer(request, response, request.session),
        options,
      ),
    ),
  )

type Express = typeof express5

interface Kit {
  /** Middleware before, and after, that of the sessions. */
  readonly before?: readonly unknown[]
  readonly after?: readonly unknown[]
}

const startExpress =
  (express: Express, { before = [], after = [] }: Kit = {}): StartServer =>
  (sessions, options) => {
    const app = express()
    app.set('env', 'test')
    const use = (all: readonly unknown[]): void => {
      for (const each of all) app.use(each as express5.RequestHandler)
    }
    use(before)
    app.use(sessionMiddleware(sessions, options))
    use(after)
    // Twice is once.
    app.use(sessionMiddleware(sessions, options))
    app.use((request, response, next) => {
      const { session } = request as unknown as { session: TestSession }
      const run = async (): Promise<void> => {
        try {
          await answer(request, response, session)
        } catch (error) {
          next(error)
        }
      }
      void run()
    })
    app.use(dropOnError)
    return listening(createServer(app))
  }

/** Middleware that is added once the session has been asked for, as on a route behind a guard. */
const guard = (
  request: IncomingMessage & { session?: TestSession },
  _response: unknown,
  next: (error?: unknown) => void,
): void => {
  const ask = async (): Promise<void> => {
    if (request.url !== '/public') await request.session?.get()
    next()
  }
  void ask()
}

const startFastify =
  (withPlugins: boolean): StartServer =>
  async (sessions, options) => {
    const app = Fastify({ forceCloseConnections: true })
    if (withPlugins) {
      await app.register(fastifyCompress, { threshold: 100 })
      await app.register(fastifyHelmet)
      await app.register(fastifyCors, { origin: true })
    }
    await app.register(sessionPlugin(sessions, options))
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.removeContentTypeParser('application/json')
    app.route({
      method: ['GET', 'PATCH', 'POST'],
      url: '/*',
      handler: async (request, reply) => {
        const { session } = request as unknown as { session: TestSession }
        const [path = ''] = request.url.split('?')
        if (path === '/reply') {
          return reply
            .header('Set-Cookie', 'own=1')
            .type('text/html')
            .send(page + (await count(session)))
        }
        if (path === '/reply-stream') {
          const n = await count(session)
          return reply.type('text/html').send(Readable.from([page, String(n)]))
        }
        if (path === '/throw-response') {
          await count(session)
          throw new Response('sign in first', { status: 401 })
        }
        if (path.startsWith('/fail')) return fails(session, path)
        const seen = await answerRaces(
          request.method,
          request.url,
          () => text(request.raw),
          session,
        )
        if (seen !== null) return reply.send(seen)
        reply.hijack()
        return answer(request.raw, reply.raw, session)
      },
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { url: `http://localhost:${port}`, stop: () => app.close() }
  }

const kit = (): readonly unknown[] => [compression({ threshold: 100 }), helmet(), cors()]

export const servers: Readonly<Record<string, StartServer>> = {
  'node:http': startHttp,
  'Express 5': startExpress(express5),
  'Express 4': startExpress(express4),
  'Express 5, compression, helmet and cors before': startExpress(express5, { before: kit() }),
  'Express 5, compression, helmet and cors after': startExpress(express5, { after: kit() }),
  'Express 4, compression, helmet and cors behind a guard': startExpress(express4, {
    after: [guard, ...kit()],
  }),
  'Fastify 5': startFastify(false),
  'Fastify 5, compress, helmet and cors': startFastify(true),
}
