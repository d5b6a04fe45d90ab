import { bindDevice } from '@coatcheck/harness/bind-device'
import { createSessions } from '@coatcheck/core'
import { deviceBound } from '@coatcheck/core/device-bound'
import { memoryStore } from '@coatcheck/core/memory'
import type { Sessions } from '@coatcheck/core'
import express5 from 'express'
import Fastify from 'fastify'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deviceBinding, sessionMiddleware } from '../src/express.ts'
import { deviceBindingPlugin, sessionPlugin } from '../src/fastify.ts'
import { withSession } from '../src/index.ts'
import type { TestSession } from './routes.ts'

const express4 = createRequire(import.meta.url)('express-4') as typeof express5

interface Running {
  readonly url: string
  readonly stop: () => unknown
}

type Start = (sessions: Sessions<object>) => Promise<Running>

const signIn = async (session: TestSession): Promise<string> => {
  ;(await session.get()).signIn('ada')
  return 'Welcome'
}

async function listen(app: RequestListener): Promise<Running> {
  const server = createServer(app)
  await new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(null)))
  const { port } = server.address() as AddressInfo
  return { url: `http://localhost:${port}`, stop: () => server.close() }
}

const onHttp: Start = (sessions) => {
  const bind = deviceBinding(sessions)
  const app = withSession(sessions, async ({ session }, response) => {
    response.end(await signIn(session as TestSession))
  })
  return listen((request, response) => bind(request, response, () => app(request, response)))
}

/** `below`: the middleware is in a router, which takes its path off `url`. */
const onExpress =
  (express: typeof express5, below = ''): Start =>
  (sessions) => {
    const app = express()
    const router = express.Router()
    router.use(deviceBinding(sessions))
    app.use((_request, response, next) => {
      response.setHeader('X-Own', 'kept').setHeader('Set-Cookie', 'own=1')
      next()
    })
    app.use(`${below}/`, router)
    app.use(sessionMiddleware(sessions))
    app.post('/sign-in', (request, response, next) => {
      const { session } = request as unknown as { session: TestSession }
      signIn(session).then((text) => response.send(text), next)
    })
    return listen(app)
  }

const onFastify: Start = async (sessions) => {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(deviceBindingPlugin(sessions))
  await app.register(sessionPlugin(sessions))
  app.post('/sign-in', (request) => {
    const { session } = request as unknown as { session: TestSession }
    return signIn(session)
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { url, stop: () => app.close() }
}

const servers: readonly (readonly [name: string, start: Start])[] = [
  ['node:http', onHttp],
  ['Express 5', onExpress(express5)],
  ['Express 4, in a router', onExpress(express4, '/device-bound')],
  ['Fastify 5', onFastify],
]

describe.each(servers)('the endpoints of bound sessions on %s', (name, start) => {
  let running: Running
  beforeAll(async () => {
    const sessions = createSessions<object>({
      store: memoryStore(),
      deviceBound: deviceBound({ mode: 'require' }),
    })
    running = await start(sessions)
  })
  afterAll(() => running.stop())

  it('register a key, refresh, and refuse a used proof and another key', async () => {
    const own = name.startsWith('Express') ? ['own'] : []
    expect(await bindDevice(running.url, '/sign-in')).toEqual({
      statuses: [200, 200, 403, 400],
      cookies: [...own, '__Host-Http-sid', '__Host-sid-bound'],
    })
  })

  it('answer with the headers of the core, and keep those of the app', async () => {
    const answer = await fetch(`${running.url}/device-bound/refresh`, { method: 'POST' })
    expect([answer.status, await answer.text()]).toEqual([
      403,
      'Device binding refused: no-session-id\n',
    ])
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store')
    expect(answer.headers.get('X-Own')).toBe(name.startsWith('Express') ? 'kept' : null)
  })

  it('let other requests go on, whatever their target', async () => {
    for (const path of ['/sign-in', '/sign-in?to=//a:b']) {
      const answer = await fetch(`${running.url}${path}`, { method: 'POST' })
      expect([answer.status, await answer.text()]).toEqual([200, 'Welcome'])
    }
  })
})

it('an answer that comes after the app has given its own, as after a time limit, is dropped without an error', async () => {
  const rejections: unknown[] = []
  const note = (reason: unknown): void => void rejections.push(reason)
  process.on('unhandledRejection', note)
  const late = Promise.withResolvers<Response>()
  const nexts: unknown[] = []
  const bind = deviceBinding({ deviceBinding: () => late.promise })
  const running = await listen((request, response) => {
    bind(request, response, (error) => void nexts.push(error))
    response.writeHead(503).end('Too slow')
  })
  try {
    const answer = await fetch(`${running.url}/device-bound/refresh`, { method: 'POST' })
    expect([answer.status, await answer.text()]).toEqual([503, 'Too slow'])
    late.resolve(new Response('late', { headers: { 'X-Late': '1' } }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([nexts, rejections]).toEqual([[], []])
  } finally {
    process.off('unhandledRejection', note)
    running.stop()
  }
})
