export { withSession } from './node-http.ts'
export type { SessionRequest } from './node-http.ts'
export type { AnySessions, NodeOptions, RequestSessionOf } from './node-session.ts'
