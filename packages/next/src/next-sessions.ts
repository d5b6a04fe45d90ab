import type { Committed, Outcome, Session, Sessions, SubjectSessions } from '@coatcheck/core'
import { mustAwait } from '@coatcheck/core'
import { serveNode } from '@coatcheck/node/response'
import type { NextFetchEvent, NextMiddleware, NextRequest } from 'next/server.js'
import { currentRequest, isRendering, serveAction, serveRoute } from './app-router.ts'
import { followRequests } from './incoming.ts'
import { nodePairOf } from './pages-router.ts'
import { serveProxy } from './proxy.ts'
import type { HandlerOptions, Run } from './request-session.ts'
import type { Shared } from './shared.ts'
import { shareByName } from './shared.ts'

/** The result of `commit()`. */
export type Saved = Pick<Committed, 'outcome' | 'failure'>

export interface NextSessionsOptions {
  /** A name for each set of sessions, if the app has several: `a-z`, `0-9` and `-`. Default: `session`. */
  readonly name?: string
}

/** Sessions for Next.js. */
export interface NextSessions<data extends object> extends SubjectSessions {
  /** The session of the request, loaded by the first call. Outside `handle` and `proxy` it is read-only. */
  readonly getSession: () => Promise<Session<data>>
  /**
   * Wraps a route handler, a server action, `getServerSideProps` or an API route, so that it can change the session. If
   * it throws an error, the changes are dropped; `redirect()` and `notFound()` are not errors. If a sign-in or sign-out
   * was not done, the response is the one of `onFailure`, by default a 503. A server action throws a `SessionError`
   * `unavailable` instead, unless it called `commit()`.
   */
  readonly handle: <args extends unknown[], result>(
    handler: (...args: args) => Promise<result> | result,
    options?: HandlerOptions,
  ) => (...args: args) => Promise<result>
  /** `handle` for `proxy.ts` or `middleware.ts`. Code that runs after it gets the session without another trip. */
  readonly proxy: (
    handler?: NextMiddleware,
    options?: HandlerOptions,
  ) => (request: NextRequest, event: NextFetchEvent) => Promise<Response>
  /** Saves now, so that the handler knows the outcome. Works inside `handle` or `proxy`. Later changes throw. */
  readonly commit: () => Promise<Saved>
  /** Changes the data after the response, or where the session is read-only: see `LazySession.saveLate`. */
  readonly saveLate: (
    session: Session<data>,
    change: (data: data) => void,
  ) => Promise<Outcome | null>
  /**
   * A route handler that answers browsers that bind a session to their device (`deviceBound`). Put this into
   * `app/device-bound/[step]/route.ts`: `export const POST = sessions.deviceBinding`. Every other request gets a 404.
   */
  readonly deviceBinding: (request: Request) => Promise<Response>
  /** The sessions that `create` returned, for use outside Next.js. */
  readonly sessions: () => Sessions<data>
}

/**
 * Makes sessions for Next.js. Call it in one file of the app. `create` is called once for each process, at its start.
 */
export function createNextSessions<data extends object>(
  create: () => Sessions<data>,
  { name = 'session' }: NextSessionsOptions = {},
): NextSessions<data> {
  const shared = shareByName(name, create)
  // Not in proxy(…): Next.js loads pages when it starts, but the proxy only during the first request.
  followRequests()
  const { current, known, lazies } = shared
  const all = (): Sessions<data> => shared.sessions() as Sessions<data>
  async function find(): Promise<Session<data>> {
    const lazy = current.getStore() ?? (await (await currentRequest(shared)).read())
    const session = await lazy.get()
    lazies.set(session, lazy)
    return session as Session<data>
  }
  async function commit(): Promise<Saved> {
    const lazy = current.getStore()
    if (lazy === undefined) throw new Error('commit(): call it inside handle(…) or proxy(…)')
    const { outcome, failure } = await lazy.commit()
    known.add(lazy)
    return { outcome, failure }
  }
  return {
    getSession: () => mustAwait(find()),
    handle:
      (handler, options = {}) =>
      (...args) =>
        serve(shared, args, async () => handler(...args), options) as Promise<never>,
    proxy:
      (handler, options = {}) =>
      (request, event) =>
        serveProxy(shared, request, async () => handler?.(request, event), options),
    commit: () => mustAwait(commit()),
    async saveLate(session, change) {
      const lazy = lazies.get(session)
      if (lazy !== undefined) return lazy.saveLate((data) => change(data as data))
      throw new TypeError('saveLate(session, change): pass a session that getSession() returned')
    },
    deviceBinding: async (request) =>
      (await all().deviceBinding(request)) ?? new Response('Not found', { status: 404 }),
    list: (subject) => all().list(subject),
    revoke: (subject, how) => all().revoke(subject, how),
    end: (subject, ref) => all().end(subject, ref),
    sessions: all,
  }
}

async function serve(shared: Shared, args: readonly unknown[], call: Run, options: HandlerOptions) {
  const { current, known } = shared
  // A handler that is called by another joins it, so that a new visitor gets one session.
  if (current.getStore()?.ended === false) return call()
  const node = nodePairOf(args)
  const request = node ? shared.take(node.req.headers) : await currentRequest(shared)
  const isAction = node === null && !(args[0] instanceof Request)
  if (isAction && (await isRendering())) return current.run(await request.read(), call)
  const lazy = await request.write(options)
  const run: Run = () => current.run(lazy, call)
  const earlier = await request.told
  if (node) return serveNode(lazy, run, node.res, earlier)
  return isAction ? serveAction(lazy, run, known) : serveRoute(lazy, run, earlier)
}
