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

/** In a rolling deploy another process may know how long a remembered session lives, where this one does not. */
function mayLive({ isPersistent }: Listed, { lifetime }: LimitContext): boolean {
  return isPersistent === true && lifetime.persistent === undefined
}

/** The sessions that have not ended. */
export function onlyAlive(list: SubjectList, { lifetime, now }: LimitContext): SubjectList {
  return new Map([...list].filter(([, listed]) => isAlive(listed, lifetime, now())))
}

function signedInAt({ createdAt, renewedAt }: Listed): number {
  return renewedAt ?? createdAt
}
