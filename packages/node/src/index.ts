export { withSession } from './with-session.ts'
export type { SessionRequest } from './with-session.ts'
export type { AnySessions, NodeOptions, RequestSessionOf } from './session.ts'
