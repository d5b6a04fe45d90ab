import type { Opens } from './visit.ts'
import { serve } from './visit.ts'

/** What of React Router's arguments the middleware needs. */
export interface MiddlewareArgs {
  readonly request: Request
  readonly context: object
}

/** Fits `Route.MiddlewareFunction` of React Router 7 and 8. */
export type Middleware = (args: MiddlewareArgs, next: () => Promise<Response>) => Promise<Response>

/**
 * For `export const middleware = [sessionMiddleware(sessions)]` in app/root.tsx. A request whose
 * code never calls `getSession` makes no trip. React Router answers errors by itself, so a 500 that
 * it made is an answer too, and the session is saved with it: see `discard`.
 */
export function sessionMiddleware(sessions: Opens): Middleware {
  return ({ request, context }, next) => serve(sessions, request, context, next)
}
