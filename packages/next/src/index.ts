export { createNextSessions } from './lib/next-sessions.ts'
export type { NextSessions, NextSessionsOptions } from './lib/next-sessions.ts'
export type { ProxyHandler, ProxyResult } from './lib/proxy.ts'
export type { Saved } from './lib/turn.ts'
