import type { Opens } from './visit.ts'
import { serve } from './visit.ts'

/** What `createRequestHandler(build)` of Remix 2 gives. */
export type RequestHandler<context> = (request: Request, context?: context) => Promise<Response>

/**
 * Wraps the request handler of a custom server: `withSession(sessions,
 * createRequestHandler(build))`. Loaders and actions then have `getSession(context)`. The context
 * is copied for each request. A request whose code never calls `getSession` makes no trip. Remix
 * answers errors by itself, so a 500 that it made is an answer too, and the session is saved with
 * it: see `discard`.
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
