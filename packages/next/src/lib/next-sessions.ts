import type { Outcome, Session, Sessions } from '@coatcheck/core'
import type { NextFetchEvent, NextRequest } from 'next/server.js'
import { currentVisit, nodePairOf, serveAction, serveNode, serveRoute } from './handle.ts'
import type { ProxyHandler } from './proxy.ts'
import { serveProxy } from './proxy.ts'
import { roomOf } from './room.ts'
import type { Room } from './room.ts'
import type { Saved } from './turn.ts'

export interface NextSessionsOptions {
  /** Tells apart several sets of sessions in one app: `a-z`, `0-9` and `-`. Default: `session`. */
  readonly name?: string
}

/** Sessions, in every place where Next.js runs code. */
export interface NextSessions<data extends object> {
  /**
   * The session of the request. Everybody who asks during the request gets the same one, loaded at the first
   * call. Inside `handle` and `proxy` it can be changed, and is saved at their end; elsewhere it can be read.
   * A change where nothing would save it throws a `SessionError` that says where to make it instead. Rejects
   * with an `Error` outside a request, and in the Pages Router outside `handle`.
   */
  readonly getSession: () => Promise<Session<data>>
  /**
   * Lets a handler change the session: a route handler, a server action, `getServerSideProps` or an API
   * route. The session is saved when it returns, also when it ends in `redirect()` or `notFound()`; when it
   * throws anything else, the changes are dropped, but a `destroy` asked for is carried out. What never
   * asks for the session costs no trip.
   */
  readonly handle: <args extends unknown[], result>(
    handler: (...args: args) => Promise<result> | result,
  ) => (...args: args) => Promise<result>
  /**
   * For `proxy.ts` (Next.js 16) or `middleware.ts` (15): `export const proxy = sessions.proxy(handler)`. The
   * handler may ask for the session and change it; what runs behind gets it from here, without another
   * trip, and sees a new cookie in the same pass. What the handler returns is passed on as it is.
   */
  readonly proxy: (
    handler?: ProxyHandler,
  ) => (request: NextRequest, event: NextFetchEvent) => Promise<Response>
  /**
   * Saves now, inside `handle` or `proxy`, so that the response can say what became of it:
   * `(await commit()).outcome`. Whoever changes the session afterwards is refused. Rejects with a
   * `SessionError`, and nothing written, when the session holds what cannot be kept; call
   * `session.discard()` then, or the response fails as well.
   */
  readonly commit: () => Promise<Saved>
  /**
   * Changes the data of a session when the response may have left already: in `after()`, in `waitUntil`, or
   * in what is streamed. It is opened again and saved by itself, merged with what others saved meanwhile,
   * and the outcome says what became of it; `null`: it was in time, and is saved at the end of `handle`.
   * Throws a `SessionError` `read-only` when there is no session to save into, because its cookie could not
   * be sent any more.
   */
  readonly saveLate: (
    session: Session<data>,
    change: (data: data) => void,
  ) => Promise<Outcome | null>
  /** The sessions themselves: for `revoke`, `list` and `end`, and for what lies outside of Next.js. */
  readonly sessions: () => Sessions<data>
}

/**
 * Sessions for Next.js, for one file of the app. `create` is called once in a process, when the first session
 * is asked for; all copies of that file that Next.js bundles share what it makes.
 * @throws {TypeError} when the name is none.
 */
export function createNextSessions<data extends object>(
  create: () => Sessions<data>,
  { name = 'session' }: NextSessionsOptions = {},
): NextSessions<data> {
  const room = roomOf(name, create)
  return {
    getSession: () => readSession(room) as Promise<Session<data>>,
    handle: (handler) => wrap(room, handler),
    proxy: (handler) => (request, event) =>
      serveProxy(room, request, () => handler?.(request, event)),
    async commit() {
      const turn = room.turns.getStore()
      if (turn === undefined) throw new Error('commit(): call it inside handle(…) or proxy(…)')
      const { outcome } = await turn.commit()
      return { outcome }
    },
    saveLate: (session, change) => saveLate(room, session, (data) => change(data as data)),
    sessions: () => room.sessions() as Sessions<data>,
  }
}

async function readSession(room: Room): Promise<Session<object>> {
  const turn = room.turns.getStore()
  if (turn !== undefined) return (await turn.open()).session
  return (await currentVisit(room)).read()
}

function wrap<args extends unknown[], result>(
  room: Room,
  handler: (...args: args) => Promise<result> | result,
): (...args: args) => Promise<result> {
  return (...args) => {
    const run = (): unknown => handler(...args)
    const node = nodePairOf(args)
    if (node !== null) return serveNode(room, node, run) as Promise<result>
    const serve = args[0] instanceof Request ? serveRoute : serveAction
    return serve(room, run) as Promise<result>
  }
}

async function saveLate(
  room: Room,
  session: Session<object>,
  change: (data: object) => void,
): Promise<Outcome | null> {
  const visit = room.visits.get(session)
  if (visit === undefined) {
    throw new TypeError('saveLate(session, change): the session must be one that getSession() gave')
  }
  if (visit.isWritable(session)) {
    change(session.data)
    return null
  }
  const again = await room.sessions().open(visit.cookies())
  if (again.session.state === 'new') {
    if (session.id !== null) return 'gone'
    again.lock(noSession)
  }
  change(again.session.data)
  const { outcome } = await again.commit()
  return outcome
}

const noSession =
  'saveLate(session, change): there is no session to save into, and it is too late to send the cookie of a ' +
  'new one. Put something in before the response is returned'
