import { mustAwait } from '@coatcheck/core'
import type { Committed, LazySession, Outcome, SessionOf, Sessions } from '@coatcheck/core'

/** The part of `createSessions(...)` that the adapter uses. */
export type AnySessions<data extends object = object> = Pick<
  Sessions<data>,
  'lazy' | 'list' | 'open'
>
type Untyped = AnySessions<Record<string, unknown>>

/** The result of `commit(context)`. */
export type Saved = Pick<Committed, 'outcome' | 'failure'>

/** A registered symbol, because a custom server and the bundle it serves may each have a copy of this file. */
export const key: unique symbol = Symbol.for('@coatcheck/remix')

/** A framework's context; the middleware adds the session. */
export interface Context {
  [key]?: {
    readonly request: Request
    readonly sessions: AnySessions
    readonly lazy: LazySession<object>
  }
}

/** The session of the request, loaded by the first call: `await getSession<typeof sessions>(context)`. */
export function getSession<sessions extends AnySessions = Untyped>(
  context: unknown,
): Promise<SessionOf<sessions>> {
  return mustAwait(findSession<sessions>(context))
}

async function findSession<sessions extends AnySessions>(
  context: unknown,
): Promise<SessionOf<sessions>> {
  return (await lazyOf(context, 'getSession').get()) as SessionOf<sessions>
}

/** Saves now, so that the response can show the outcome. Later changes throw. */
export function commit(context: unknown): Promise<Saved> {
  return mustAwait(commitNow(context))
}

async function commitNow(context: unknown): Promise<Saved> {
  const { outcome, failure } = await lazyOf(context, 'commit').commit()
  return { outcome, failure }
}

/**
 * Drops the changes, but not a `destroy`. Call it in `handleError`: otherwise the session is saved with the error page.
 * Never throws, because `handleError` is also called for URLs without a route, which have no session.
 */
export function discard(context: unknown): void {
  contextOf(context)?.[key]?.lazy.discard()
}

/** Changes the data, also after the response has been sent: see `LazySession.saveLate`. */
export async function saveLate<sessions extends AnySessions = Untyped>(
  context: unknown,
  change: (data: SessionOf<sessions>['data']) => void,
): Promise<Outcome | null> {
  return lazyOf(context, 'saveLate').saveLate(change)
}

function lazyOf(context: unknown, caller: string): LazySession<object> {
  const lazy = contextOf(context)?.[key]?.lazy
  if (lazy) return lazy
  throw new Error(`${caller}(context): ${missing}`)
}

const contextOf = (context: unknown) => context as Context | null | undefined

const missing = `add \`export const middleware = [sessionMiddleware(sessions)]\` to app/root.tsx; React Router 7 also \
needs \`future: { v8_middleware: true }\` in react-router.config.ts. In Remix 3, add sessionMiddleware(sessions) to \
createRouter({ middleware: [...] }). In Remix 2, wrap the request handler of your server: withSession(sessions, \
createRequestHandler(build)); in remix-serve, use sessionStorage(sessions, { authKeys })`
