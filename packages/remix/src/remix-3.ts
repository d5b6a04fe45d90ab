export { getSession, sessionMiddleware } from './lib/remix-3.ts'
export type { Middleware, MiddlewareContext } from './lib/remix-3.ts'
export type { SessionOf } from './lib/visit.ts'
