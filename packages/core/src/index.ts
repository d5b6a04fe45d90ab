export type { ClearSiteData } from './http/clear-site-data.ts'
export type { CookieSource, Transport } from './http/cookie-choice.ts'
export type { Committed } from './commit/committed.ts'
export type { Cookie, CookieAttributes, CookieOptions } from './http/cookie.ts'
export { csrfToken, verifyCsrf } from './session/csrf.ts'
export { SessionError } from './errors.ts'
export type { SessionErrorCode } from './errors.ts'
export type { OnEvent, SessionEvent } from './events.ts'
export type { Opened } from './sessions/handle.ts'
export { lifetimes } from './settings/lifetime-presets.ts'
export { isFailure } from './rules/next-step.ts'
export type { Failure, Outcome } from './rules/next-step.ts'
export { checkOrigin } from './http/origin.ts'
export type { OriginOptions } from './http/origin.ts'
export type { Policy } from './sessions/describe-policy.ts'
export { byKey, byKeyWith, max, min, sum, union } from './rules/resolvers.ts'
export type { AnyResolver, Resolver, Versions } from './rules/resolvers.ts'
export type { StandardSchema } from './data/schema.ts'
export type { DestroyOptions, RenewOptions, Session, SessionState } from './session/session.ts'
export { createSessions } from './sessions/sessions.ts'
export type { Sessions } from './sessions/sessions.ts'
export type { LifetimeOptions, SessionsOptions } from './settings/settings.ts'
export type { Merge } from './data/settle.ts'
export type {
  DeleteResult,
  SaveResult,
  SessionStore,
  StoredRecord,
  StoreFaultCode,
} from './store/store.ts'
export type { RevokeOutcome, SubjectSession } from './subjects/subject-sessions.ts'
export type { RandomBytes } from './crypto/token.ts'
