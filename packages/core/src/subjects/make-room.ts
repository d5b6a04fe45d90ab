import type { Lifetime } from '../rules/lifetime.ts'
import { hasEnded, isLifetimeKnown, lifetimeOf } from '../rules/lifetime.ts'
import { isAlive } from './list-record.ts'
import type { Listed, SubjectList } from './list-record.ts'

export interface LimitContext {
  /** How many sessions a subject may have; the oldest end when there are more. */
  readonly sessionsPerSubject: number
  readonly lifetime: Lifetime
  readonly now: () => number
}

/**
 * Makes room for one session: drops those that are over by their age; then, if that is not enough, those that seem to be
 * unused for too long, and the oldest. The list alone does not say that one has been unused: it may not have heard.
 */
export function makeRoom(list: SubjectList, context: LimitContext): SubjectList {
  const room = context.sessionsPerSubject - 1
  const alive = onlyAlive(list, context)
  if (alive.size > room) return newest(alive, room)
  const others = new Map(
    [...list].filter((each) => !alive.has(each[0]) && mayLive(each[1], context)),
  )
  const kept = newest(others, room - alive.size)
  return new Map([...list].filter(([ref]) => alive.has(ref) || kept.has(ref)))
}

/** Those that were signed in to last. Of sessions of one millisecond the one that came last. */
function newest(list: SubjectList, count: number): SubjectList {
  if (list.size <= count) return list
  const sorted = [...list]
    .toReversed()
    .toSorted(([, left], [, right]) => signedInAt(right) - signedInAt(left))
  return new Map(sorted.slice(0, count).toReversed())
}

function mayLive({ createdAt, isPersistent }: Listed, { lifetime, now }: LimitContext): boolean {
  return (
    !isLifetimeKnown(lifetime, isPersistent) ||
    !hasEnded(lifetimeOf(lifetime, isPersistent), createdAt, now())
  )
}

/** The sessions that have not ended, as far as the list has heard. */
export function onlyAlive(list: SubjectList, { lifetime, now }: LimitContext): SubjectList {
  return new Map([...list].filter(([, listed]) => isAlive(listed, lifetime, now())))
}

function signedInAt({ createdAt, renewedAt }: Listed): number {
  return renewedAt ?? createdAt
}
