export { createHandle } from './handle.ts'
export type { Handle } from './handle.ts'
export { commit, discard, getSession, saveLate } from './session.ts'
export type { EventWithSession, LocalSession, Saved } from './session.ts'
