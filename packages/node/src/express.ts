import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnySessions, NodeOptions } from './node-session.ts'
import { attach, isServerError } from './node-session.ts'

export { deviceBinding } from './device-binding.ts'
export type { BindingSessions } from './device-binding.ts'
export type { AnySessions, NodeOptions, RequestSessionOf } from './node-session.ts'

/** Middleware for Express 5 and 4, and for other frameworks that use `(request, response, next)`. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * Middleware that gives every request a session: `await request.session.get()`. Changes are saved before the headers
 * are sent. They are dropped if the response has a 5xx status, as after an error. For errors that become another
 * status, add `dropOnError`.
 */
export function sessionMiddleware(sessions: AnySessions, options: NodeOptions = {}): Middleware {
  return (request, response, next) => {
    attach(sessions, request, response, { isError: isServerError, ...options })
    next()
  }
}

/** Error middleware that drops the changes after any error, whatever its status. Mount it after all routes. */
export function dropOnError(
  error: unknown,
  request: IncomingMessage & { session?: { discard(): void } },
  _response: ServerResponse,
  next: (error?: unknown) => void,
): void {
  request.session?.discard()
  next(error)
}
