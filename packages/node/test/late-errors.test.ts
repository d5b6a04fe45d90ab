import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type express from 'express'
import Fastify from 'fastify'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dropOnError, sessionMiddleware } from '../src/express.ts'
import { sessionPlugin } from '../src/fastify.ts'
import type { Data, TestSession } from './routes.ts'
import { count } from './routes.ts'

const require = createRequire(import.meta.url)

type Respond = (response: express.Response) => void

/** On a store that takes longer than a framework takes to hear of an error. */
function createSlowSessions() {
  const store = memoryStore()
  const create: typeof store.create = async (...args) => {
    for (let turn = 0; turn < 10; turn += 1) await setImmediate()
    return store.create(...args)
  }
  return createSessions<Partial<Data>>({
    store: { ...store, create },
    cookie: { plainHttp: true },
  })
}

describe.each(['express', 'express-4'])('%s', (version) => {
  const start = require(version) as typeof express

  async function serve(respond: Respond, after: readonly express.ErrorRequestHandler[] = []) {
    const sessions = createSlowSessions()
    const app = start()
    app.set('env', 'test')
    app.use(sessionMiddleware(sessions))
    app.all('/', (request, response, next) => {
      const { session } = request as unknown as { session: TestSession }
      const run = async (): Promise<void> => {
        await count(session)
        respond(response)
        next(new Error('a bug, later'))
      }
      void run()
    })
    for (const each of after) app.use(each)
    const bodyHasCome = Promise.withResolvers<void>()
    const server = createServer((request, response) => {
      for (const name of ['end', 'close']) request.once(name, () => bodyHasCome.resolve())
      app(request, response)
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => void server.once('listening', resolve))
    return {
      port: (server.address() as AddressInfo).port,
      sessions,
      bodyHasCome: bodyHasCome.promise,
    }
  }

  it('delivers an answer that ended before the error, with the change', async () => {
    const { port, sessions } = await serve((response) => void response.send('ok'))
    const response = await fetch(`http://127.0.0.1:${port}`)
    expect([response.status, await response.text()]).toEqual([200, 'ok'])
    const [cookie] = (response.headers.get('Set-Cookie') ?? '').split(';')
    const { session } = await sessions.open(cookie ?? null)
    expect(session.data['visits']).toBe(1)
  })

  it('cuts half an answer after an error, and adds no page of its own', async () => {
    const { port } = await serve((response) => void response.write('id,name\n'), [dropOnError])
    await expect(fetch(`http://127.0.0.1:${port}`).then((each) => each.text())).rejects.toThrow()
  })

  it.each<[string, Respond]>([
    ['send', (response) => void response.send('ok')],
    ['write', (response) => void response.write('id,name\n')],
  ])('throws nothing as a slow body comes in after the error: %s', async (_name, respond) => {
    const uncaught: unknown[] = []
    const note = (error: unknown): void => void uncaught.push(error)
    const others = process.rawListeners('uncaughtException') as ((error: Error) => void)[]
    process.removeAllListeners('uncaughtException').on('uncaughtException', note)
    onTestFinished(() => {
      process.removeListener('uncaughtException', note)
      for (const other of others) process.on('uncaughtException', other)
    })
    const { port, bodyHasCome } = await serve(respond)
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab')
    const isClosed = new Promise((resolve) => void socket.once('close', resolve))
    await Promise.race([isClosed, new Promise((resolve) => void socket.once('data', resolve))])
    socket.write('cd')
    await Promise.race([isClosed, bodyHasCome])
    await setImmediate()
    expect(uncaught).toEqual([])
  })
})

describe('fastify', () => {
  async function start() {
    const sessions = createSlowSessions()
    const sent: unknown[] = []
    const app = Fastify()
    onTestFinished(() => app.close())
    await app.register(sessionPlugin(sessions))
    app.addHook('onSend', async (_request, _reply, payload) => void sent.push(payload))
    app.get('/throws', async (request, reply) => {
      await count((request as unknown as { session: TestSession }).session)
      void reply.send('ok')
      throw new Error('a bug, later')
    })
    app.get('/half', async (request, reply) => {
      await count((request as unknown as { session: TestSession }).session)
      reply.raw.write('id,name\n')
      throw new Error('a bug, later')
    })
    app.get('/returns-nothing', async (request, reply) => {
      await count((request as unknown as { session: TestSession }).session)
      void reply.send('ok')
    })
    return { app, sent, sessions }
  }

  it.each(['/throws', '/returns-nothing'])(
    'sends an answer once, with its change: %s',
    async (path) => {
      const { app, sent, sessions } = await start()
      const response = await app.inject(path)
      expect([response.statusCode, sent]).toEqual([200, ['ok']])
      const [cookie = ''] = String(response.headers['set-cookie']).split(';')
      const { session } = await sessions.open(cookie)
      expect(session.data['visits']).toBe(1)
    },
  )

  it('cuts half an answer after an error, and adds no text of its own', async () => {
    const { app } = await start()
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    await expect(fetch(`${url}/half`).then((each) => each.text())).rejects.toThrow()
  })
})
