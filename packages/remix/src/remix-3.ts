export { sessionMiddleware } from './lib/remix-3.ts'
export type { Middleware, MiddlewareContext } from './lib/remix-3.ts'
export { commit, discard, getSession, saveLate } from './lib/session.ts'
export type { Opens, Saved, SessionOf } from './lib/visit.ts'
