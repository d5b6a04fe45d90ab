export { sessionMiddleware } from './middleware.ts'
export type { Middleware } from './middleware.ts'
export { commit, discard, getSession, saveLate } from './session.ts'
export type { AnySessions, Saved } from './session.ts'
export { sessionStorage } from './session-storage.ts'
export type {
  CookieLife,
  SessionStorage,
  SessionStorageOptions,
  StoredSession,
} from './session-storage.ts'
