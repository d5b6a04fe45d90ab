import type { Lifetime } from '../rules/lifetime.ts'
import { isAlive } from './list-record.ts'
import type { Listed, SubjectList } from './list-record.ts'

export interface LimitContext {
  /** How many sessions a subject may have; the oldest end when there are more. */
  readonly sessionsPerSubject: number
  readonly lifetime: Lifetime
  readonly now: () => number
}

/** Makes room for one session: drops those that have ended; then, if that is not enough, the oldest. */
export function makeRoom(list: SubjectList, context: LimitContext): SubjectList {
  // Newest first, so that of sessions of one millisecond the one that came last stays.
  const alive = [...onlyAlive(list, context)].toReversed()
  if (alive.length < context.sessionsPerSubject) return new Map(alive.toReversed())
  alive.sort(([, left], [, right]) => signedInAt(right) - signedInAt(left))
  return new Map(alive.slice(0, context.sessionsPerSubject - 1).toReversed())
}

/** The sessions that have not ended. */
export function onlyAlive(list: SubjectList, { lifetime, now }: LimitContext): SubjectList {
  return new Map([...list].filter(([, listed]) => isAlive(listed, lifetime, now())))
}

function signedInAt({ createdAt, renewedAt }: Listed): number {
  return renewedAt ?? createdAt
}
