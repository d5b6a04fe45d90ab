import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import Fastify from 'fastify'
import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sessionPlugin } from './fastify.ts'
import { withSession } from './node-http.ts'
import type { NodeOptions } from './node-session.ts'

const sessions = createSessions<{ n: number }>({
  store: memoryStore(),
  namespace: 'test',
  cookie: { secure: 'per-request' },
})

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

/** What a server answers to these lines. */
function send(port: number, ...lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET / HTTP/1.1\r\nConnection: close\r\n${lines.join('\r\n')}\r\n\r\n`)
  return text(socket)
}

it('cuts the connection after an error of a response that has begun, and tells onError', async () => {
  const errors: unknown[] = []
  const listener = withSession(
    sessions,
    async (request, response) => {
      const { data } = await request.session.get()
      data.n = 1
      response.write('the first half')
      await request.session.commit()
      throw new Error('a bug')
    },
    { onError: (error) => void errors.push(error) },
  )
  const port = await serve(listener)
  const body = fetch(`http://127.0.0.1:${port}`).then((response) => response.text())
  await expect(body).rejects.toThrow()
  expect(errors).toMatchObject([{ message: 'a bug' }])
})

it('over HTTP/2: saves for a visitor who goes before the end, and nothing fails', async () => {
  const errors: unknown[] = []
  const done = Promise.withResolvers<string>()
  const listener = withSession(
    sessions,
    async (request, response) => {
      const { data } = await request.session.get()
      data.n = 1
      client.destroy()
      while (response.socket) await setImmediate()
      response.end('late')
      const { outcome } = await request.session.commit()
      done.resolve(outcome)
    },
    { onError: (error) => void errors.push(error) },
  )
  const server = http2.createServer(listener as never).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.on('error', () => {})
  client.request({ ':path': '/' }).on('error', () => {})
  expect(await done.promise).toBe('created')
  await setImmediate()
  expect(errors).toEqual([])
})

it('refuses to be assigned, as other libraries sign out: null would leave the visitor signed in', async () => {
  const listener = withSession(sessions, async (request, response) => {
    const replace = (): void => void Object.assign(request, { session: null })
    expect(replace).toThrow('req.session cannot be assigned, and the session goes on. To end it:')
    const { data } = await request.session.get()
    response.end(String(data.n))
  })
  const port = await serve(listener)
  expect(await send(port, 'Host: localhost')).toContain('undefined')
})

it('refuses what other libraries do with req.session: a key, a deletion', async () => {
  const listener = withSession(sessions, async (request, response) => {
    const { session } = request as unknown as { session: Record<string, (key?: string) => unknown> }
    expect(() => session['get']?.('user')).toThrow('req.session.get() takes no key')
    const signOut = (): boolean => delete session['user']
    expect(signOut).toThrow('req.session.user is not there to be deleted, and the session goes on')
    const { data } = await request.session.get()
    data.n = 5
    response.end('still there')
  })
  const port = await serve(listener)
  const answer = await send(port, 'Host: localhost')
  expect(answer).toContain('still there')
  expect(answer).toContain('Set-Cookie: ')
})

it.each([
  ['save', 'as the session is saved before the response leaves'],
  ['regenerate', 'signIn(user) for a login'],
  ['touch', 'leave it out'],
  ['resetMaxAge', 'leave it out'],
  ['flash', 'connect-flash'],
  ['reload', 'await req.session.get()'],
  ['destroy', '(await req.session.get()).destroy(), without a callback'],
  ['cookie', 'signIn(user, { persist: true })'],
  ['id', '(await session.get()).id'],
])('says what to write in place of req.session.%s, in the types too', async (name, advice) => {
  const listener = withSession(sessions, ({ session }, response) => {
    // @ts-expect-error -- It is of another library.
    const read = (): unknown => session[name as 'save']
    expect(read).toThrow(TypeError)
    expect(read).toThrow(advice)
    response.end('said')
  })
  expect(await send(await serve(listener), 'Host: localhost')).toContain('said')
})

it('says what to write in place of req.sessionID', async () => {
  const listener = withSession(sessions, (request, response) => {
    // @ts-expect-error -- It is of another library.
    expect(() => request.sessionID).toThrow('req.sessionID: (await req.session.get()).id')
    expect(Object.keys(request)).not.toContain('sessionID')
    response.end('said')
  })
  expect(await send(await serve(listener), 'Host: localhost')).toContain('said')
})

it('refuses a callback that would never be called, so that no request hangs', async () => {
  const listener = withSession(sessions, async ({ session }, response) => {
    const { destroy } = await session.get()
    // @ts-expect-error -- As of express-session.
    const signOut = (): void => destroy(() => response.end())
    expect(signOut).toThrow('takes no callback')
    response.end('said')
  })
  expect(await send(await serve(listener), 'Host: localhost')).toContain('said')
})

it('refuses a request that has the session of another library, which would fail at the end', async () => {
  const listener: RequestListener = (request, response) => {
    Object.assign(request, { session: { cookie: {}, touch: () => {} } })
    const attaching = (): void => withSession(sessions, () => {})(request, response)
    expect(attaching).toThrow('Another library has set req.session')
    response.end('refused')
  }
  expect(await send(await serve(listener), 'Host: localhost')).toContain('refused')
})

it('reports what could not be saved where onError is undefined', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const unset = { onError: undefined } as unknown as { onError: () => void }
  const listener = withSession(
    sessions,
    async (request, response) => {
      const { data } = await request.session.get()
      Object.assign(data, { n: () => {} })
      response.end('saved?')
    },
    unset,
  )
  expect(await send(await serve(listener), 'Host: localhost')).toContain('500')
  expect(said).toHaveBeenCalled()
  said.mockRestore()
})

it('refuses to be assigned on a request of Fastify', async () => {
  const app = Fastify()
  app.register(sessionPlugin(sessions))
  app.get('/', (request) => {
    Object.assign(request, { session: null })
    return 'signed out?'
  })
  const { statusCode, body } = await app.inject('/')
  expect([statusCode, body]).toEqual([
    500,
    expect.stringContaining('req.session cannot be assigned'),
  ])
  await app.close()
})

it('gives one session to a handler that is wrapped twice', async () => {
  const inner = withSession(sessions, async (request, response) => {
    const { data } = await request.session.get()
    response.end(String(data.n))
  })
  const outer = withSession(sessions, async (request, response) => {
    const { data } = await request.session.get()
    data.n = 7
    inner(request, response)
  })
  expect(await send(await serve(outer), 'Host: localhost')).toMatch(/7$/)
})

it('takes the scheme and the host from the request, whatever a client sends as Host', async () => {
  const listener = withSession(sessions, async (request, response) => {
    const { data } = await request.session.get()
    data.n = 1
    response.end('done')
  })
  const port = await serve(listener)
  for (const host of ['localhost', 'a b', 'x:99999', '[', 'a/b?c']) {
    const answer = await send(port, `Host: ${host}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    // Over plain http, in development: a cookie without Secure.
    expect(answer).toMatch(/^Set-Cookie: sid=(?!.*Secure)/m)
  }
})

/** What is answered, and told to `onError`, after `respond`, with and without the session. */
async function answerOf(respond: (response: ServerResponse) => unknown, isAsked: boolean) {
  const errors: string[] = []
  const listener = withSession(
    sessions,
    async (request, response) => {
      if (isAsked) (await request.session.get()).data.n = 1
      return respond(response)
    },
    { onError: (error) => void errors.push((error as Error).message) },
  )
  const earlier: RequestListener = (request, response) => {
    response.setHeader('Cache-Control', 'public, max-age=600').setHeader('X-Earlier', '1')
    listener(request, response)
  }
  const answer = await send(await serve(earlier), 'Host: localhost')
  return { answer, errors }
}

describe.each([
  ['passing', false],
  ['held', true],
])('an answer that Node refuses, %s', (_name, isAsked) => {
  const end = (response: ServerResponse): void => void response.end('x')
  const refused: Readonly<Record<string, (response: ServerResponse) => unknown>> = {
    'a chunk that is an object': (response) => response.write({} as string),
    'no chunk': (response) => response.write(null),
    'an end with a number': (response) => response.end(5),
    'the status 0': (response) => response.writeHead(0).end(),
    'the status 1000': (response) => end(Object.assign(response, { statusCode: 1000 })),
    'no status': (response) => end(Object.assign(response, { statusCode: undefined })),
    'a status message of two lines': (response) =>
      end(Object.assign(response, { statusMessage: 'a\nb' })),
    'an encoded trailer without chunks': (response) =>
      end(response.setHeader('Trailer', 'X-T').setHeader('Content-Length', 1)),
    'an error after the length': (response) => {
      response.setHeader('Content-Length', 100)
      throw new Error('a bug')
    },
  }
  it.each(Object.entries(refused))(
    'is an empty 500 that no cache keeps, and told once: %s',
    async (_fault, respond) => {
      const { answer, errors } = await answerOf(respond, isAsked)
      expect(answer).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/)
      expect(answer).toMatch(/^cache-control: private, no-store\r$/im)
      expect(answer).toMatch(/^x-earlier: 1\r$/im)
      expect(answer).not.toMatch(/public|100/)
      expect(answer).toMatch(/\r\n\r\n(0\r\n\r\n)?$/)
      expect(errors).toHaveLength(1)
    },
  )

  it('leaves an answer alone that has ended before an error', async () => {
    const { answer, errors } = await answerOf((response) => {
      response.end('saved')
      throw new Error('a bug, later')
    }, isAsked)
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*saved$/)
    expect(errors).toEqual(['a bug, later'])
  })
})

it.each([
  [
    'throws',
    () => {
      throw new Error('The logger broke')
    },
  ],
  ['rejects', () => Promise.reject(new Error('The logger broke'))],
])('answers 500 for what could not be saved, also if onError %s', async (_name, onError) => {
  const printed: unknown[] = []
  const print = vi.spyOn(console, 'error').mockImplementation((error) => void printed.push(error))
  onTestFinished(() => print.mockRestore())
  const listener = withSession(
    sessions,
    async (request, response) => {
      Object.assign((await request.session.get()).data, { n: () => {} })
      response.end('welcome')
    },
    { onError: onError as () => void },
  )
  const answer = await send(await serve(listener), 'Host: localhost')
  expect(answer).toMatch(/^HTTP\/1\.1 500 /)
  expect(answer).not.toMatch('welcome')
  expect(printed).toMatchObject([{ message: 'The logger broke' }])
})

it('refuses a second set of sessions on one request, and does not hand out the first', async () => {
  const admin = createSessions({
    store: memoryStore(),
    namespace: 'admin',
    cookie: { name: 'admin' },
  })
  const errors: unknown[] = []
  const inner = withSession(
    admin,
    (_request, response) => void response.end('the session of the shop'),
  )
  const outer = withSession(sessions, (request, response) => inner(request, response), {
    onError: (error) => void errors.push(error),
  })
  expect(await send(await serve(outer), 'Host: localhost')).toMatch(/^HTTP\/1\.1 500 /)
  expect(errors).toMatchObject([{ message: expect.stringMatching(/another createSessions/) }])
})

it('takes no more from a stream than its buffer while it is held', async () => {
  const held = Promise.withResolvers<void>()
  const store = memoryStore()
  const create: typeof store.create = async (...args) => {
    await held.promise
    return store.create(...args)
  }
  const slow = createSessions<{ n: number }>({
    store: { ...store, create },
    cookie: { secure: 'per-request' },
  })
  let taken = 0
  const chunks = function* () {
    for (; taken < 100; taken += 1) yield Buffer.alloc(1000)
  }
  const listener = withSession(slow, async (request, response) => {
    ;(await request.session.get()).data.n = 1
    Readable.from(chunks(), { highWaterMark: 4 }).pipe(response)
    for (let turn = 0; turn < 200; turn += 1) await setImmediate()
    expect(taken).toBeLessThan(20)
    held.resolve()
  })
  const response = await fetch(`http://127.0.0.1:${await serve(listener)}`)
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 100_000])
})

/** Of a handler that says `welcome`, and whose change is lost. */
async function lostAnswer(options: NodeOptions): Promise<Response> {
  const store = { ...memoryStore(), create: () => Promise.reject(new Error('down')) }
  const listener = withSession(
    createSessions<{ n: number }>({ store, cookie: { plainHttp: true }, onEvent: () => {} }),
    async (request, response) => {
      const { data } = await request.session.get()
      data.n = 1
      response.setHeader('Content-Length', 7)
      response.end('welcome')
    },
    options,
  )
  return fetch(`http://127.0.0.1:${await serve(listener)}`)
}

it('sends the body of the handler if onFailure adds a header to its response', async () => {
  const response = await lostAnswer({
    onFailure: ({ asked }, given) => {
      const copy = new Response(given.body, given)
      copy.headers.set('X-Not-Saved', asked)
      return copy
    },
  })
  expect([await response.text(), response.headers.get('X-Not-Saved')]).toEqual([
    'welcome',
    'change',
  ])
})

it('answers 500, and says why, if onFailure adds to a body that may not be complete yet', async () => {
  const heard: unknown[] = []
  const response = await lostAnswer({
    onFailure: async (_failure, given) =>
      new Response(Buffer.concat([Buffer.from(await given.arrayBuffer()), Buffer.from('!')])),
    onError: (error) => void heard.push(error),
  })
  expect([response.status, await response.text()]).toEqual([500, ''])
  expect(String(heard[0])).toMatch(/onFailure cannot change the body of the handler's response/)
})

describe('a time limit that has taken the methods of Node before the session', () => {
  type Native = Pick<ServerResponse, 'writeHead' | 'write' | 'end'>

  /** What it answers with, while the session is asked for and the handler has sent `begin`. */
  async function answerLate(
    late: (response: ServerResponse, native: Native) => void,
    begin: (response: ServerResponse) => unknown = () => {},
  ): Promise<string> {
    const listener = withSession(sessions, async (request, response) => {
      const { data } = await request.session.get()
      data.n = 1
      begin(response)
      response.emit('late')
      await setImmediate()
      response.end('of the handler')
    })
    const port = await serve((request, response) => {
      const { writeHead, write, end } = response
      response.once('late', () => late(response, { writeHead, write, end }))
      listener(request, response)
    })
    return send(port, 'Host: localhost')
  }
  const split = 'HTTP/1.1 200 OK\r\nSet-Cookie: sid=planted\r\n\r\n'

  it.each<[how: string, status: number, body: RegExp, late: Parameters<typeof answerLate>[0]]>([
    ['end', 503, /\r\nHTTP[^]*planted\r\n\r\n$/, (res, { end }) => end.call(res, split, 'utf8')],
    ['end without a body', 503, /\r\n\r\n$/, (res, { end }) => end.call(res, null, 'utf8')],
    [
      'writeHead and end',
      503,
      /\r\n\r\nlate$/,
      (res, { writeHead, end }) => {
        writeHead.call(res, 503, { 'Content-Length': 4 })
        end.call(res, 'late', 'utf8')
      },
    ],
    [
      'write and end',
      503,
      /\r\n\r\n2c\r\nHTTP[^]*\r\n3\r\nend\r\n0\r\n\r\n$/,
      (res, { write, end }) => {
        write.call(res, split, 'utf8')
        end.call(res, 'end', 'utf8')
      },
    ],
    ['a status that has no body', 204, /\r\n\r\n$/, (res, { end }) => end.call(res, split, 'utf8')],
  ])('answers with a head, and nothing of the handler: %s', async (_how, status, body, late) => {
    const answer = await answerLate((response, native) => {
      response.statusCode = status
      response.setHeader('X-Late', '1')
      late(response, native)
    })
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toMatch(/^X-Late: 1\r$/m)
    expect(answer).toMatch(body)
    expect(answer).not.toContain('of the handler')
    expect(answer).not.toMatch(/^set-cookie: sid=(?!planted)/im)
  })

  it.each<[how: string, begin: (response: ServerResponse) => unknown]>([
    ['a head', (response) => response.writeHead(200, { 'Content-Length': 500 })],
    ['a part', (response) => response.write('half')],
  ])('is cut with the answer of a handler that has sent %s', async (_how, begin) => {
    const answer = await answerLate((res, { write }) => write.call(res, split, 'utf8'), begin)
    expect(answer).toBe('')
  })
})
