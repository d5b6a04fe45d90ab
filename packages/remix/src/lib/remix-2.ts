import type { Opens, Saved, SessionOf } from './visit.ts'
import { askFor, commitFor, serve } from './visit.ts'

/** What `createRequestHandler(build)` of Remix 2 and React Router gives. */
export type RequestHandler<context> = (request: Request, context?: context) => Promise<Response>

/**
 * Wraps the request handler of a custom server: `withSession(sessions, createRequestHandler(build))`.
 * Loaders and actions then have `getSession(context)`. The context is copied for each request. A request
 * whose code never calls `getSession` makes no trip.
 */
export function withSession<context extends object>(
  sessions: Opens,
  handler: RequestHandler<context>,
): RequestHandler<context> {
  return (request, context) => {
    const own = { ...context } as context
    return serve(sessions, request, own, () => handler(request, own))
  }
}

/**
 * The session, in a loader or an action: `await getSession<typeof sessions>(context)`. All who ask during
 * one request share it, and one trip. Rejects with an `Error` that says what to add where when the request
 * did not come through `withSession`.
 */
export function getSession<sessions extends Opens = Opens<Record<string, unknown>>>(
  context: unknown,
): Promise<SessionOf<sessions>> {
  return askFor<sessions>(context, () => unwrapped)
}

/**
 * Saves now, so that the answer can say what became of it: `(await commit(context)).outcome`. Whoever
 * changes the session afterwards is refused, so the loader or action that changes it last calls it. Rejects
 * with a `SessionError`, and nothing written, when the session holds what cannot be kept; call
 * `session.discard()` then, or the answer fails as well.
 */
export function commit(context: unknown): Promise<Saved> {
  return commitFor(context, () => unwrapped)
}

const unwrapped =
  'wrap the request handler in your server: ' +
  'withSession(sessions, createRequestHandler(build)). remix-serve cannot be wrapped: use ' +
  'sessionStorage(sessions) there'
