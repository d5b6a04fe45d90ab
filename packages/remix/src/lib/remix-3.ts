import type { Opens, Saved, SessionOf } from './visit.ts'
import { askFor, commitFor, serve } from './visit.ts'

/** What of the router's context the middleware needs. */
export interface MiddlewareContext {
  readonly request: Request
}

/** Fits `Middleware` of remix/fetch-router. */
export type Middleware = (
  context: MiddlewareContext,
  next: () => Promise<Response>,
) => Promise<Response>

/**
 * For `createRouter({ middleware: [sessionMiddleware(sessions)] })`. A request whose code never calls
 * `getSession` makes no trip. After an error that reaches the middleware the changes are dropped, but a
 * `destroy` asked for is carried out.
 */
export function sessionMiddleware(sessions: Opens): Middleware {
  return (context, next) => serve(sessions, context.request, context, next)
}

/**
 * The session, in an action or a middleware: `await getSession<typeof sessions>(context)`. All who ask
 * during one request share it, and one trip. Rejects with an `Error` that says what to add where when no
 * `sessionMiddleware` ran.
 */
export function getSession<sessions extends Opens = Opens<Record<string, unknown>>>(
  context: unknown,
): Promise<SessionOf<sessions>> {
  return askFor<sessions>(context, () => unmounted)
}

/**
 * Saves now, so that the answer can say what became of it: `(await commit(context)).outcome`. Whoever
 * changes the session afterwards is refused, so the loader or action that changes it last calls it. Rejects
 * with a `SessionError`, and nothing written, when the session holds what cannot be kept; call
 * `session.discard()` then, or the answer fails as well.
 */
export function commit(context: unknown): Promise<Saved> {
  return commitFor(context, () => unmounted)
}

const unmounted =
  'add sessionMiddleware(sessions) to createRouter({ middleware: [...] })'
