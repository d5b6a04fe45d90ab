import type { HandleOptions } from '@coatcheck/core'
import { sessionMiddleware } from './middleware.ts'
import type { AnySessions } from './session.ts'

export { commit, discard, getSession, saveLate } from './session.ts'
export type { AnySessions, Saved } from './session.ts'
export * from './session-storage.ts'
export type { StoredSession } from './stored-session.ts'

/** What `createRequestHandler(build)` of Remix 2 returns. */
export type RequestHandler<context> = (request: Request, context?: context) => Promise<Response>

/** Wraps the handler of a custom server: Remix 2 has no middleware. */
export function withSession<context extends object>(
  sessions: AnySessions,
  handler: RequestHandler<context>,
  options?: HandleOptions,
): RequestHandler<context> {
  const middleware = sessionMiddleware(sessions, options)
  return (request, context) => {
    // A copy, because a server may pass the same object with every request.
    const own = { ...context } as context
    return middleware({ request, context: own }, () => handler(request, own))
  }
}
