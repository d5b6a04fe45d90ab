export type { ClearSiteData } from './lib/clear-site-data.ts'
export type { CookieSource, Transport } from './lib/cookie-choice.ts'
export type { Committed } from './lib/committed.ts'
export type { Cookie, CookieAttributes, CookieOptions } from './lib/cookie.ts'
export { csrfToken, verifyCsrf } from './lib/csrf.ts'
export { SessionError } from './lib/errors.ts'
export type { SessionErrorCode } from './lib/errors.ts'
export type { OnEvent, SessionEvent } from './lib/events.ts'
export type { Opened } from './lib/handle.ts'
export { lifetimes } from './lib/lifetimes.ts'
export { isFailure } from './lib/next-step.ts'
export type { Failure, Outcome } from './lib/next-step.ts'
export { checkOrigin } from './lib/origin.ts'
export type { OriginOptions } from './lib/origin.ts'
export type { Policy } from './lib/policy.ts'
export { byKey, byKeyWith, max, min, sum, union } from './lib/resolvers.ts'
export type { AnyResolver, Resolver, Versions } from './lib/resolvers.ts'
export type { StandardSchema } from './lib/schema.ts'
export type { DestroyOptions, RenewOptions, Session, SessionState } from './lib/session.ts'
export { createSessions } from './lib/sessions.ts'
export type { Sessions } from './lib/sessions.ts'
export type { LifetimeOptions, SessionsOptions } from './lib/settings.ts'
export type { Merge } from './lib/settle.ts'
export type {
  DeleteResult,
  SaveResult,
  SessionStore,
  StoredRecord,
  StoreFaultCode,
} from './lib/store.ts'
export type { RevokeOutcome, SubjectSession } from './lib/subject-sessions.ts'
export type { RandomBytes } from './lib/token.ts'
