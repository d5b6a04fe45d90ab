import type { Committed } from '../../src/commit/committed.ts'
import type { SessionsOptions } from '../../src/settings/options.ts'
import { createSessions } from '../../src/sessions/sessions.ts'
import type { Sessions } from '../../src/sessions/sessions.ts'
import type { FakeStore } from './context.ts'
import { createFakeStore, start } from './context.ts'

/** A store and a clock that several processes share. */
export interface World<data extends object> {
  readonly store: FakeStore
  readonly clock: { now: number }
  /** Another process. */
  readonly make: (options?: object) => Sessions<Partial<data>>
}

export function createWorld<data extends object>(
  options: Partial<SessionsOptions<data>> = {},
): World<data> {
  const clock = { now: start }
  const now = (): number => clock.now
  const store = createFakeStore(now)
  const testing = { now, wait: async () => {} }
  const shared = { store, testing, lifetime: { rotate: 600 }, onEvent() {}, ...options }
  return { store, clock, make: (more) => createSessions<data>({ ...shared, ...more }) }
}

export const cookieOf = ({ cookie }: Committed): string => cookie!.header.split(';')[0]!
