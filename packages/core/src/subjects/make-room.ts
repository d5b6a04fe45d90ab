import type { Lifetime } from '../rules/lifetime.ts'
import { hasEnded, isLifetimeKnown, lifetimeOf } from '../rules/lifetime.ts'
import { isAlive } from './list-record.ts'
import type { Listed, SubjectList } from './list-record.ts'

export interface LimitContext {
  /** The maximum number of sessions of a subject; beyond it, the oldest end. */
  readonly sessionsPerSubject: number
  readonly lifetime: Lifetime
  readonly now: () => number
}

/**
 * Makes room for one session. Removes sessions past their absolute end; then, if needed, those that seem idle for too
 * long, then the oldest. Seeming idle does not suffice alone, because the list may have missed a use.
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

/** The `count` sessions that signed in last. Of several in the same millisecond, the later entries. */
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

/** The sessions that have not ended, as far as the list knows. */
export function onlyAlive(list: SubjectList, { lifetime, now }: LimitContext): SubjectList {
  return new Map([...list].filter(([, listed]) => isAlive(listed, lifetime, now())))
}

function signedInAt({ createdAt, renewedAt }: Listed): number {
  return renewedAt ?? createdAt
}
