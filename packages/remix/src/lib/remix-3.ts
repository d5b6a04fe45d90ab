import type { Opens } from './visit.ts'
import { serve } from './visit.ts'

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
 * For `createRouter({ middleware: [sessionMiddleware(sessions)] })`. A request whose code never
 * calls `getSession` makes no trip. After an error that reaches the middleware the changes are
 * dropped, but a `destroy` asked for is carried out.
 */
export function sessionMiddleware(sessions: Opens): Middleware {
  return (context, next) => serve(sessions, context.request, context, next)
}
