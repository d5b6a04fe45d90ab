import session from 'express-session'
import type { SessionOptions, Store } from 'express-session'
import { getIronSession } from 'iron-session'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { createCookieJar, createVisitor } from '@coatcheck/testing'
import type { FetchHandler, Visitor } from '@coatcheck/testing'

/** One application on a library: `/set?key`, `/login`, `/logout`, `/`. `?hold` waits for `release()`. */
export interface Peer {
  readonly visitor: () => Visitor
  readonly gate: Gate
  readonly close: () => void
}

type Data = Record<string, unknown>

/** Holds requests between their load and their change. */
export interface Gate {
  readonly wait: () => Promise<void>
  /** Resolves when this many requests wait. */
  readonly filled: (count: number) => Promise<void>
  readonly release: () => void
}

function createGate(): Gate {
  let waiting = 0
  let look = (): void => {}
  const opened = Promise.withResolvers<void>()
  return {
    wait() {
      waiting++
      look()
      return opened.promise
    },
    filled: (count) =>
      new Promise((resolve) => {
        look = () => {
          if (waiting >= count) resolve()
        }
        look()
      }),
    release: opened.resolve,
  }
}

const password = 'a password of at least thirty-two characters'

export function ironPeer(): Peer {
  const gate = createGate()
  const app: FetchHandler = async (request) => {
    const url = new URL(request.url)
    const response = new Response(null)
    const held = await getIronSession<Data>(request, response, { password, cookieName: 'sid' })
    if (url.searchParams.has('hold')) await gate.wait()
    if (url.pathname === '/logout') held.destroy()
    else if (change(url, held)) await held.save()
    return new Response(JSON.stringify(held), response)
  }
  return { visitor: () => createVisitor(app), gate, close: () => {} }
}

export async function expressPeer(store: Store = new session.MemoryStore()): Promise<Peer> {
  const gate = createGate()
  const options: SessionOptions = {
    secret: password,
    resave: false,
    saveUninitialized: false,
    store,
  }
  const middleware = session(options) as unknown as Middleware
  const answer = async (request: HasSession, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (url.searchParams.has('hold')) await gate.wait()
    if (url.pathname === '/logout') return request.session.destroy(() => void response.end('{}'))
    change(url, request.session)
    response.end(JSON.stringify(request.session))
  }
  const server = await listen((request, response) => {
    middleware(request, response, (error) => {
      if (error === undefined) return void answer(request as HasSession, response)
      response.statusCode = 500
      response.end('{}')
    })
  })
  const { port } = server.address() as AddressInfo
  const app: FetchHandler = (request) => fetch(request)
  const origin = `http://127.0.0.1:${port}`
  const visitor = (): Visitor => createVisitor(app, { origin, jar: createCookieJar() })
  return { visitor, gate, close: () => void server.close() }
}

type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

type HasSession = IncomingMessage & { session: Data & { destroy(done: () => void): void } }

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

export function ourPeer(): Peer {
  const gate = createGate()
  const sessions = createSessions({ store: memoryStore() })
  const app = sessions.fetch(async (request, lazy) => {
    const url = new URL(request.url)
    const held = await lazy.get()
    if (url.searchParams.has('hold')) await gate.wait()
    if (url.pathname === '/logout') held.destroy()
    else change(url, held.data)
    return Response.json(held.data)
  })
  return { visitor: () => createVisitor(app), gate, close: () => {} }
}

/** Whether the request changes the session. */
function change({ pathname, searchParams }: URL, data: Data): boolean {
  if (pathname === '/login') data['user'] = 'ada'
  const key = searchParams.get('key')
  if (key !== null) data[key] = true
  return pathname === '/login' || key !== null
}
