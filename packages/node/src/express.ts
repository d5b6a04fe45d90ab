import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnySessions, NodeOptions } from './node-session.ts'
import { attach, isServerError } from './node-session.ts'

export { deviceBinding } from './device-binding.ts'
export type { BindingSessions } from './device-binding.ts'
export type { AnySessions, NodeOptions, RequestSessionOf } from './node-session.ts'

/** Middleware of Express 5 and 4, and of others with `(request, response, next)`. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Gives every request a session: `await request.session.get()`. What changed is saved before the headers leave. A
 * response with a 5xx status, which is what an error becomes, drops the changes; for errors that become another status,
 * add `dropOnError`.
 */
export function sessionMiddleware(sessions: AnySessions, options: NodeOptions = {}): Middleware {
  return (request, response, next) => {
    attach(sessions, request, response, { isError: isServerError, ...options })
    next()
  }
}

/** Error middleware, for the place after all routes: after an error the changes are dropped, whatever its status. */
export function dropOnError(
  error: unknown,
  request: IncomingMessage & { session?: { discard(): void } },
  _response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  request.session?.discard()
  next(error)
}
