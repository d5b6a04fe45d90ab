export * from './middleware.ts'
export { commit, discard, getSession, saveLate } from './session.ts'
export type { AnySessions, Saved } from './session.ts'
