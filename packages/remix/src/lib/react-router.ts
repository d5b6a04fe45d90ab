import type { Opens, Saved, SessionOf } from './visit.ts'
import { askFor, commitFor, serve } from './visit.ts'

/** What of React Router's arguments the middleware needs. */
export interface MiddlewareArgs {
  readonly request: Request
  readonly context: object
}

/** Fits `Route.MiddlewareFunction` of React Router 7 and 8. */
export type Middleware = (args: MiddlewareArgs, next: () => Promise<Response>) => Promise<Response>

/**
 * For `export const middleware = [sessionMiddleware(sessions)]` in app/root.tsx. A request whose code
 * never calls `getSession` makes no trip. React Router answers errors by itself, so a 500 that it made is
 * an answer too, and the session is saved with it.
 */
export function sessionMiddleware(sessions: Opens): Middleware {
  return ({ request, context }, next) => serve(sessions, request, context, next)
}

/**
 * The session, in a loader, an action or a middleware: `await getSession<typeof sessions>(context)`. All
 * who ask during one request share it, and one trip. Rejects with an `Error` that says what to add where
 * when no `sessionMiddleware` ran.
 */
export function getSession<sessions extends Opens = Opens<Record<string, unknown>>>(
  context: unknown,
): Promise<SessionOf<sessions>> {
  return askFor<sessions>(context, explain)
}

/**
 * Saves now, so that the answer can say what became of it: `(await commit(context)).outcome`. Whoever
 * changes the session afterwards is refused, so the loader or action that changes it last calls it. Rejects
 * with a `SessionError`, and nothing written, when the session holds what cannot be kept; call
 * `session.discard()` then, or the answer fails as well.
 */
export function commit(context: unknown): Promise<Saved> {
  return commitFor(context, explain)
}

function explain(context: unknown): string {
  return runsMiddleware(context) ? unmounted : unflagged
}

/** React Router 7 without its flag hands out a plain object, or nothing. */
function runsMiddleware(context: unknown): boolean {
  return typeof (context as { set?: unknown } | null | undefined)?.set === 'function'
}

const unmounted =
  'add `export const middleware = [sessionMiddleware(sessions)]` to app/root.tsx'

const unflagged =
  'React Router 7 runs middleware only with `future: { v8_middleware: true }` in react-router.config.ts. ' +
  `Add it; and then: ${unmounted}`
