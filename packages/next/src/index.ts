export { createNextSessions } from './next-sessions.ts'
export type { NextSessions, NextSessionsOptions, Saved } from './next-sessions.ts'
export type { HandlerOptions } from './request-session.ts'
