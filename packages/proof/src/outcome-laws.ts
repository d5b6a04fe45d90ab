import type { Timelines, Version } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

export function fail(request: RequestLog, law: string): never {
  throw new Error(`request ${request.plan.at} (${request.outcome}): ${law}`)
}

/** An acknowledged change is in the record before it is acknowledged. */
export function checkIn({ versions }: Timelines, request: RequestLog, id: string | null): void {
  const { plan, endedAt } = request
  if (!plan.writes) return
  const own = id === null ? [] : (versions.get(id) ?? [])
  const isIn = own.some(({ from, reading }) => from <= endedAt && reading.applied.has(plan.at))
  if (!isIn) fail(request, 'an acknowledged change was lost')
}

/** A refused change is in no record at the time of the refusal or later. */
export function checkOut(
  { plan: { rotates } }: Run,
  { versions }: Timelines,
  request: RequestLog,
): void {
  const { plan, endedAt } = request
  for (const own of versions.values()) {
    const isIn = own.some(({ to, reading }) => to > endedAt && reading.applied.has(plan.at))
    if (isIn) fail(request, `its change is visible${rotates ? ', where tokens rotate' : ''}`)
  }
}

/** No session has this id when the request ends or later; a forward or a mark may. */
export function checkDead(
  { memcached }: Run,
  { marks }: Timelines,
  request: RequestLog,
  id: string | null,
): void {
  if (id === null) return
  const own = marks.get(id)
  const happenings = memcached.log.filter((each) => each.id === id)
  const isRecord = ({ step, what }: { step: number; what: string }): boolean =>
    what === 'written' && !own?.has(step)
  const revival = happenings.find((each) => each.step > request.endedAt && isRecord(each))
  if (revival !== undefined) {
    const isLate = memcached.failures.some(
      (each) => each.id === id && each.command === 'create' && each.step <= request.endedAt,
    )
    fail(request, `the session came back to life${isLate ? ', by a create that came late' : ''}`)
  }
  const then = happenings.findLast(({ step }) => step <= request.endedAt)
  if (then !== undefined && isRecord(then)) fail(request, 'the session is alive')
}

/** Once the request has ended, no token of the same session works. */
export function checkEnded(timelines: Timelines, request: RequestLog, law: string): void {
  if (request.id === null) return
  for (const each of lineage(timelines, request.id)) {
    if (each.some(({ to }) => to > request.endedAt)) fail(request, law)
  }
}

/** A new token keeps all data: each request in the old record is in the new one. */
export function checkMoved(timelines: Timelines, request: RequestLog): void {
  const { newId, endedAt } = request
  const own = newId === null ? undefined : timelines.versions.get(newId)
  // The move rewrites it with others' saves until the mark is in place.
  const first = own?.findLast(({ from }) => from <= endedAt)
  if (first === undefined) fail(request, 'there is no new record')
  for (const own of lineage(timelines, first.id)) {
    if ((own[0] as Version).from >= first.from) continue
    const last = own.findLast(({ from }) => from <= endedAt)
    const lost = [...(last?.reading.applied ?? [])].find((at) => !first.reading.applied.has(at))
    if (lost !== undefined) fail(request, `lost request ${lost}`)
  }
}

/** When a renew ends, the new token is the session's only one. */
export function checkAlone(timelines: Timelines, request: RequestLog): void {
  const { newId, endedAt } = request
  if (newId === null) return
  for (const own of lineage(timelines, newId)) {
    const other = own.find(({ id, from, to }) => id !== newId && from <= endedAt && to > endedAt)
    if (other) fail(request, 'another token of the session works')
  }
}

/** The timelines of one session, under all its tokens. */
export function lineage({ versions, moves }: Timelines, id: string): (readonly Version[])[] {
  const links = moves.map(({ from, to }) => [from, to])
  const ids = new Set([id])
  for (let size = 0; size < ids.size;) {
    size = ids.size
    for (const link of links)
      if (link.some((end) => ids.has(end))) link.forEach((end) => ids.add(end))
  }
  return [...ids].flatMap((each) => {
    const own = versions.get(each)
    return own === undefined ? [] : [own]
  })
}

/** Whether a sign-out of the request's session ended as unconfirmed in its process before this step. */
export function isPending(run: Run, request: RequestLog, step: number): boolean {
  return signOutsBefore(run, request, step).some(({ outcome }) => outcome === 'unconfirmed')
}

/**
 * The same, or possibly so, before the request has opened its session: a sign-out with an earlier token may have
 * reached this session, and a sign-out whose commit threw is retried once before the error is rethrown.
 */
export function mayBePending(run: Run, timelines: Timelines, request: RequestLog): boolean {
  const { id, openedAt } = request
  const others = id === null ? [] : lineage(timelines, id).flat()
  const ends = [id, ...others.map((each) => each.id)].flatMap((each) =>
    signOutsBefore(run, { ...request, id: each }, openedAt),
  )
  return ends.some(({ outcome }) => outcome === 'unconfirmed' || outcome === 'threw auth')
}

function signOutsBefore({ requests }: Run, { id, plan }: RequestLog, step: number): RequestLog[] {
  return requests.filter(
    (other) =>
      (other.outcome === 'unconfirmed' || other.plan.intent === 'destroy') &&
      other.id === id &&
      other.plan.process === plan.process &&
      other.endedAt <= step,
  )
}
