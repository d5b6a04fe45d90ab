import type { LazySession, OnFailure, Sessions } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import type { ServerResponse } from 'node:http'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serveNode } from './response.ts'

type Lazy = LazySession<object>

type Handler = (response: ServerResponse, lazy: Lazy) => unknown

const store = memoryStore()

/** Takes its time. */
const slow = createSessions<{ n: number }>({
  store: {
    ...store,
    create: async (...args) => {
      await new Promise((resolve) => void setTimeout(resolve, 10))
      return store.create(...args)
    },
  },
})

const away = createSessions({
  store: { ...store, create: () => Promise.reject(new Error('memcached is down')) },
})

/** Serves one request with a handler that first changes the session. */
async function ask(
  handler: Handler,
  sessions: Sessions<object> = slow,
  change: (lazy: Lazy) => Promise<unknown> = signIn,
): Promise<Response> {
  const server = createServer((_request, response) => {
    // What Next.js, and the proxy, set before the handler runs.
    response
      .setHeader('Content-Security-Policy', 'default-src *')
      .setHeader('Set-Cookie', ['proxy=1'])
    const lazy = sessions.lazy(null)
    const run = async (): Promise<void> => {
      await change(lazy)
      await handler(response, lazy)
    }
    void serveNode(lazy, run, response)
      .catch(() => {})
      .then(() => response.writableEnded || response.end('sent by the framework'))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => void server.once('listening', resolve))
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { redirect: 'manual' })
}

async function signIn(lazy: Lazy): Promise<void> {
  const session = await lazy.get()
  session.signIn('ada')
}

async function putFunction(lazy: Lazy): Promise<void> {
  const { data } = await lazy.get()
  Object.assign(data, { n: () => {} })
}

const hasCookie = ({ headers }: Response): boolean =>
  headers.getSetCookie().some((line) => line.startsWith('__Host-Http-sid='))

it('holds back writeHead, write and end until the session is saved, in their order', async () => {
  const response = await ask((res) => {
    res.writeHead(201, { 'X-Own': '1' })
    res.write('one ')
    res.end('two')
  })
  expect([response.status, await response.text()]).toEqual([201, 'one two'])
  expect(hasCookie(response)).toBe(true)
  expect(response.headers.get('X-Own')).toBe('1')
})

it('does not block a handler that waits until its response is sent', async () => {
  const response = await ask((res) => pipeline(Readable.from(['a', 'b', 'c']), res))
  expect(await response.text()).toBe('abc')
})

it('saves also if the handler sends nothing, and then lets the framework send', async () => {
  const response = await ask(() => {})
  expect([await response.text(), hasCookie(response)]).toEqual(['sent by the framework', true])
})

it('answers 500, with nothing of the answer, if the session cannot be saved', async () => {
  const handler: Handler = (res) => {
    res.setHeader('Content-Length', 7)
    res.setHeader('Cache-Control', 'public')
    res.end('a reply')
  }
  const response = await ask(handler, slow, putFunction)
  expect([response.status, await response.text()]).toEqual([500, ''])
  expect(response.headers.get('Cache-Control')).toBe('private, no-store')
})

it('lets the framework send its page if the session cannot be saved and nothing was sent', async () => {
  const response = await ask((res) => res.setHeader('X-Own', '1'), slow, putFunction)
  expect(await response.text()).toBe('sent by the framework')
  expect(response.headers.get('X-Own')).toBe('1')
})

it('sends 503 in place of a sign-in that was not done, and drops what the handler sends', async () => {
  const handlers: Handler[] = [
    (res) => {
      res.setHeader('Content-Length', 7)
      res.end('welcome')
    },
    (res) => {
      res.writeHead(303, { Location: '/account' })
      res.end()
    },
    (res) => pipeline(Readable.from(['wel', 'come', '!']), res),
    () => {},
  ]
  for (const handler of handlers) {
    const response = await ask(handler, away)
    expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '5'])
    expect(await response.text()).toMatch(/^You could not be signed in/)
    expect(response.headers.has('Location')).toBe(false)
  }
})

it('drops the changes of a handler that throws, whose error response it leaves alone', async () => {
  const response = await ask((res) => {
    res.statusCode = 500
    res.setHeader('X-Own', '1')
    throw new Error('No')
  })
  expect([response.status, hasCookie(response)]).toEqual([500, false])
})

it('keeps the status, and every header with all its values', async () => {
  const response = await ask((res) => {
    res.statusCode = 404
    res.setHeader('Set-Cookie', ['a=1', 'b=2'])
    res.setHeader('Age', 1)
    res.setHeader('CDN-Cache-Control', 'public, max-age=60')
    res.end('no')
  })
  expect([response.status, response.headers.get('Age')]).toEqual([404, '1'])
  expect(response.headers.getSetCookie().slice(0, 2)).toEqual(['a=1', 'b=2'])
  expect([hasCookie(response), response.headers.get('Cache-Control')]).toEqual([
    true,
    'private, no-store',
  ])
  expect(response.headers.has('CDN-Cache-Control')).toBe(false)
})

it('changes nothing of a response whose handler never asked for the session', async () => {
  const handler: Handler = (res) => void res.end('public')
  const { headers } = await ask(handler, slow, async () => {})
  expect([headers.has('Cache-Control'), headers.has('Vary')]).toEqual([false, false])
})

it('sends what onFailure returns also if its status is the same, beside what was set before the handler', async () => {
  const elsewhere = createSessions({
    store: { ...store, create: () => Promise.reject(new Error('memcached is down')) },
    onFailure: () => new Response(null, { status: 303, headers: { Location: '/sorry' } }),
  })
  const handler: Handler = (res) => {
    res.writeHead(303, 'Welcome', { Location: '/account', 'Set-Cookie': 'welcome=1' })
    res.end('welcome')
  }
  const response = await ask(handler, elsewhere)
  expect([response.status, response.statusText]).toEqual([303, 'See Other'])
  expect([response.headers.get('Location'), await response.text()]).toEqual(['/sorry', ''])
  expect(response.headers.get('Content-Security-Policy')).toBe('default-src *')
  expect(response.headers.getSetCookie()).toEqual(['proxy=1'])
})

it('answers also if writeHead is called twice', async () => {
  const response = await ask((res) => {
    res.writeHead(200)
    res.writeHead(201)
    res.end('once')
  })
  expect([response.status, await response.text(), hasCookie(response)]).toEqual([201, 'once', true])
})

it('keeps the spelling of the headers that it does not change', async () => {
  const raw = await new Promise<readonly string[]>((resolve) => {
    const server = createServer((_request, response) => {
      const lazy = slow.lazy(null)
      void serveNode(lazy, () => signIn(lazy), response).then(() => {
        response.writeHead(200, { 'X-Own': '1', 'WWW-Authenticate': ['Basic', 'Digest'] }).end()
      })
    }).listen(0, () => {
      get({ port: (server.address() as AddressInfo).port, agent: false }, (incoming) => {
        server.close()
        resolve(incoming.resume().rawHeaders)
      })
    })
  })
  expect(raw.slice(0, 6)).toEqual([
    'X-Own',
    '1',
    'WWW-Authenticate',
    'Basic',
    'WWW-Authenticate',
    'Digest',
  ])
})

it('sends all cookies of a head that spells their name in two ways', async () => {
  const handler: Handler = (res) => {
    res.writeHead(200, { 'Set-Cookie': 'a=1', 'set-cookie': 'b=2' }).end()
  }
  expect((await ask(handler)).headers.getSetCookie().slice(0, 2)).toEqual(['a=1', 'b=2'])
})

it('holds back writeHeader, the other name of writeHead', async () => {
  const handler: Handler = (res) => {
    const { writeHeader } = res as unknown as { readonly writeHeader: ServerResponse['writeHead'] }
    writeHeader.call(res, 201, { 'Cache-Control': 'public' }).end('made')
  }
  const response = await ask(handler)
  expect([response.status, await response.text(), hasCookie(response)]).toEqual([201, 'made', true])
  expect(response.headers.get('Cache-Control')).toBe('private, no-store')
})

it.each<[name: string, change: (res: ServerResponse) => unknown]>([
  ['setHeader', (res) => res.setHeader('Set-Cookie', 'late=1')],
  ['setHeaders', (res) => res.setHeaders(new Headers({ 'Set-Cookie': 'late=1' }))],
  ['appendHeader', (res) => res.appendHeader('Set-Cookie', 'late=1')],
  ['removeHeader', (res) => res.removeHeader('Set-Cookie')],
])(
  'throws the error of Node if a header is changed after the first byte: %s',
  async (_, change) => {
    const codes: unknown[] = []
    const response = await ask((res) => {
      res.write('first')
      try {
        change(res)
      } catch (error) {
        codes.push((error as NodeJS.ErrnoException).code)
      }
      res.statusCode = 500
      res.end()
    })
    expect(codes).toEqual(['ERR_HTTP_HEADERS_SENT'])
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()[0]).toBe('proxy=1')
  },
)

it('rule 8: changes no array of the app, which may be one for all visitors', async () => {
  const shared = { 'Set-Cookie': ['theme=dark'] }
  const handler: Handler = (res) => {
    res.writeHead(200, shared)
    res.appendHeader('Set-Cookie', 'visitor=ada')
    res.end()
  }
  await ask(handler)
  expect(shared).toEqual({ 'Set-Cookie': ['theme=dark'] })
})

it('sends a cookie of onFailure also if it begins like one that was set before', async () => {
  const sessions = createSessions({
    store: { ...store, create: () => Promise.reject(new Error('memcached is down')) },
    onFailure: () => new Response(null, { headers: { 'Set-Cookie': 'proxy=' } }),
  })
  const response = await ask((res) => void res.end(), sessions)
  expect(response.headers.getSetCookie()).toEqual(['proxy=1', 'proxy='])
})

it('calls back a handler that waits until what was dropped is sent', async () => {
  const called: string[] = []
  const done = Promise.withResolvers<void>()
  const handler: Handler = async (res) => {
    await new Promise<void>((resolve) => void res.write('wel', () => resolve()))
    called.push('held')
    await new Promise<void>((resolve) => void res.write('come', () => resolve()))
    called.push('written')
    await new Promise<void>((resolve) => void res.end('!', resolve))
    called.push('ended')
    done.resolve()
  }
  expect((await ask(handler, away)).status).toBe(503)
  await done.promise
  expect(called).toEqual(['held', 'written', 'ended'])
})

it('calls back a handler that waits also if the visitor has gone', async () => {
  const called = Promise.withResolvers<void>()
  const handler: Handler = async (res) => {
    const gone = new Promise((resolve) => void res.once('close', resolve))
    res.socket!.destroy()
    await gone
    await new Promise<void>((resolve) => void res.write('wel', () => resolve()))
    await new Promise<void>((resolve) => void res.end('come', () => resolve()))
    called.resolve()
  }
  await expect(ask(handler, away)).rejects.toThrow('fetch failed')
  await called.promise
})

it('calls back a handler whose visitor goes while its session is saved', async () => {
  const called = Promise.withResolvers<void>()
  const handler: Handler = async (res) => {
    const written = new Promise<void>((resolve) => void res.write('wel', () => resolve()))
    const ended = new Promise<void>((resolve) => void res.end('come', () => resolve()))
    res.socket!.destroy(new Error('gone'))
    await Promise.all([written, ended])
    called.resolve()
  }
  await expect(ask(handler)).rejects.toThrow('fetch failed')
  await called.promise
})

it('calls back a handler that ends or writes after the end, and raises no error, as Node does once it is sent', async () => {
  const called: string[] = []
  const errors: unknown[] = []
  const response = await ask(async (res) => {
    res.on('error', (error) => errors.push(error))
    res.end('once')
    res.end(() => void called.push('end'))
    await Promise.resolve()
    res.write('twice', () => void called.push('write'))
  })
  expect(await response.text()).toBe('once')
  await expect.poll(() => called).toEqual(['end', 'write'])
  expect(errors).toEqual([])
})

it('answers 503 without the cookies that the handler has appended', async () => {
  const response = await ask((res) => {
    res.appendHeader('Set-Cookie', 'welcome=1')
    res.end('welcome')
  }, away)
  expect([response.status, response.headers.getSetCookie()]).toEqual([503, ['proxy=1']])
})

describe.each([true, false])('what onFailure returns, with a Content-Length: %s', (hasLength) => {
  const lost = (onFailure: OnFailure) =>
    createSessions({
      store: { ...store, create: () => Promise.reject(new Error('memcached is down')) },
      onFailure,
    })
  const handler: Handler = (res) => {
    if (hasLength) res.setHeader('Content-Length', 7)
    res.setHeader('X-Own', '1')
    res.setHeader('Content-Encoding', 'identity')
    res.write('wel')
    res.end('come')
  }
  const say = (headers: Headers): Headers => {
    headers.set('X-Not-Saved', '1')
    return headers
  }

  it.each<[how: string, onFailure: OnFailure]>([
    ['a copy', (_failure, r) => new Response(r.body, { headers: say(new Headers(r.headers)) })],
    ['a clone', (_failure, r) => new Response(r.clone().body, { headers: say(r.clone().headers) })],
    [
      'the response itself',
      (_failure, r) => {
        say(r.headers)
        return r
      },
    ],
  ])('keeps the body of the handler in %s of its response', async (_how, onFailure) => {
    const response = await ask(handler, lost(onFailure))
    expect([response.status, await response.text()]).toEqual([200, 'welcome'])
    expect([response.headers.get('X-Own'), response.headers.get('X-Not-Saved')]).toEqual(['1', '1'])
    expect(response.headers.get('Content-Length')).toBe(hasLength ? '7' : null)
  })

  it.each<[how: string, onFailure: OnFailure]>([
    [
      'the length of what it was given',
      async (_failure, r) => {
        const body = await r.arrayBuffer()
        return new Response(body, { headers: { 'Content-Length': String(body.byteLength) } })
      },
    ],
    ['no length and no encoding', (_failure, r) => new Response(r.body)],
    ['the text', async (_failure, r) => new Response(await r.text())],
  ])('keeps how it is written if the response has %s', async (_how, onFailure) => {
    const response = await ask(handler, lost(onFailure))
    expect(await response.text()).toBe('welcome')
    expect(response.headers.get('Content-Length')).toBe(hasLength ? '7' : null)
    expect(response.headers.get('Content-Encoding')).toBe('identity')
  })

  it.each<[how: string, change: (text: string) => string]>([
    ['longer', (text) => `${text}, ada`],
    ['in capitals', (text) => text.toUpperCase()],
    ['shorter', (text) => `${text.slice(0, 12)}…`],
  ])('answers 500 if it is changed as a text: %s', async (_how, change) => {
    const onFailure: OnFailure = async (_failure, r) => new Response(change(await r.text()))
    const response = await ask(handler, lost(onFailure))
    expect([response.status, await response.text()]).toEqual([500, ''])
  })

  it('may be another one, after that of the handler was read', async () => {
    const onFailure: OnFailure = async (_failure, r) =>
      new Response((await r.text()) && 'Not saved: 0123456789abcdef-0123-4567')
    const response = await ask(handler, lost(onFailure))
    expect(await response.text()).toBe('Not saved: 0123456789abcdef-0123-4567')
  })

  it('keeps it under another status too', async () => {
    const response = await ask(
      handler,
      lost((_failure, { body, headers }) => new Response(body, { status: 503, headers })),
    )
    expect([response.status, await response.text()]).toEqual([503, 'welcome'])
  })

  it('gives another body its own length, and not the encoding of the former', async () => {
    for (const text of ['a longer text', 'a', '']) {
      const response = await ask(
        handler,
        lost((_failure, { headers }) => new Response(text, { status: 503, headers })),
      )
      expect([response.status, await response.text()]).toEqual([503, text])
      expect(response.headers.get('Content-Length')).toBe(String(text.length))
      expect(response.headers.has('Content-Encoding')).toBe(false)
    }
  })

  it('sends none if it returns a response without one', async () => {
    const response = await ask(
      handler,
      lost(() => new Response(null)),
    )
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.has('X-Own')).toBe(false)
    const empty = await ask(
      handler,
      lost((_failure, { headers }) => new Response(null, { status: 204, headers })),
    )
    expect([empty.status, empty.headers.get('Content-Length')]).toEqual([204, null])
  })
})

it('answers 500 if the body that onFailure returned breaks off', async () => {
  const body = new ReadableStream({ pull: (to) => to.error(new Error('cut')) })
  const broken = createSessions({
    store: { ...store, create: () => Promise.reject(new Error('memcached is down')) },
    onFailure: () => new Response(body),
  })
  const response = await ask((res) => void res.end('welcome'), broken)
  expect([response.status, await response.text()]).toEqual([500, ''])
})

it('says while an answer is held that it was sent, as Node does, and that it has not left', async () => {
  const said: unknown[] = []
  const note = (res: ServerResponse): void =>
    void said.push([
      res.headersSent,
      res.writableEnded,
      res.finished,
      res.writableFinished,
      res.writableNeedDrain,
    ])
  const response = await ask((res) => {
    note(res)
    res.write('a')
    note(res)
    res.end('b')
    note(res)
    res.once('finish', () => note(res))
  })
  expect(await response.text()).toBe('ab')
  expect(said).toEqual([
    [false, false, false, false, false],
    [true, false, false, false, true],
    [true, true, true, false, false],
    [true, true, true, true, false],
  ])
})
