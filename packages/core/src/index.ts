export type { Committed } from './commit/committed.ts'
export type { RandomBytes } from './crypto/random.ts'
export type { Merge } from './data/resolve-keys.ts'
export type { MigrateOptions } from './data/migrate.ts'
export type { StandardSchema } from './data/schema.ts'
export { take } from './data/take.ts'
export type { OptionalKey } from './data/take.ts'
export type { DeviceBound } from './device/device-binding.ts'
export { SessionError } from './errors.ts'
export type { SessionErrorCode, SessionErrorStatus } from './errors.ts'
export type { OnEvent, SessionEvent } from './events.ts'
export { printOnce } from './print-events.ts'
export type { PublishedEvent } from './publish-events.ts'
export type { ClearSiteData } from './http/clear-site-data.ts'
export type { CookieSource } from './http/transport.ts'
export type { Cookie, CookieAttributes, CookieOptions, FormerCookie } from './http/cookie.ts'
export type { OnFailure } from './http/failure-response.ts'
export { checkOrigin } from './http/check-origin.ts'
export type { OriginOptions } from './http/check-origin.ts'
export type { Asked, Failure, Outcome } from './rules/next-step.ts'
export type { DeviceMode, DeviceRefusal, DeviceStanding } from './rules/device-mode.ts'
export { append, appendUpTo, byKey, byKeyWith, max, min, sum, union } from './rules/resolvers.ts'
export type { AnyResolver, Resolver, Versions } from './rules/resolvers.ts'
export type {
  DestroyOptions,
  RenewOptions,
  RequireBoundOptions,
  Session,
  SessionState,
  SignInOptions,
} from './session/session.ts'
export { isResponse } from './sessions/answer.ts'
export type { Policy } from './sessions/describe-policy.ts'
export type { Fetch } from './sessions/fetch.ts'
export type {
  LazyHints,
  LazyOptions,
  LazySession,
  RequestSession,
} from './sessions/lazy-session.ts'
export type { HandleOptions, Opened, OpenOptions } from './sessions/open.ts'
export { mustAwait } from './sessions/must-await.ts'
export { createSessions } from './sessions/sessions.ts'
export type { RequestSessionOf, SessionOf, Sessions } from './sessions/sessions.ts'
export { Unopened } from './sessions/unopened.ts'
export { lifetimes } from './settings/lifetime-presets.ts'
export type { LifetimeOptions, SessionsOptions, TestingOptions } from './settings/options.ts'
export type {
  DeleteResult,
  SaveResult,
  SessionStore,
  StoredRecord,
  StoreScope,
  StoreFaultCode,
} from './store/store.ts'
export type { RevokeOutcome, SubjectSession, SubjectSessions } from './subjects/subject-sessions.ts'
