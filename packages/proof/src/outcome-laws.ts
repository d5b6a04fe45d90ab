import type { Timelines, Version } from './timeline.ts'
import type { RequestLog, Run } from './world.ts'

export function fail(request: RequestLog, law: string): never {
  throw new Error(`request ${request.plan.at} (${request.outcome}): ${law}`)
}

/** An acknowledged change is in the record, from before the acknowledgement on. */
export function checkIn({ versions }: Timelines, request: RequestLog, id: string | null): void {
  const { plan, endedAt } = request
  if (!plan.writes) return
  const own = id === null ? [] : (versions.get(id) ?? [])
  const isIn = own.some(({ from, reading }) => from <= endedAt && reading.applied.has(plan.at))
  if (!isIn) fail(request, 'an acknowledged change was lost')
}

/** A change that was refused is in no record that stands when the refusal is given, or later. */
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

/** No session has this id when the request ends, or later; a forward may have it. */
export function checkDead(
  { memcached }: Run,
  { forwards }: Timelines,
  request: RequestLog,
  id: string | null,
): void {
  if (id === null) return
  const forwardAt = forwards.get(id) ?? Infinity
  const happenings = memcached.log.filter((each) => each.id === id && each.step !== forwardAt)
  const later = happenings.some(({ step, what }) => step > request.endedAt && what === 'written')
  if (later) fail(request, 'the session came back to life')
  const then = happenings.findLast(({ step }) => step <= request.endedAt)
  if (then?.what === 'written' && forwardAt > request.endedAt) fail(request, 'the session is alive')
}

/** When the request has ended no token of the same session works. */
export function checkEnded({ versions }: Timelines, request: RequestLog, law: string): void {
  const own = request.id === null ? undefined : versions.get(request.id)
  const born = own?.[0]?.reading.born
  if (born === undefined) return
  for (const each of lineage(versions, born)) {
    if (each.some(({ to }) => to > request.endedAt)) fail(request, law)
  }
}

/** A new token keeps all data: each request that was in the session is in the new record. */
export function checkMoved({ versions }: Timelines, request: RequestLog): void {
  const { newId, endedAt } = request
  const first = newId === null ? undefined : versions.get(newId)?.[0]
  if (first === undefined) fail(request, 'there is no new record')
  for (const own of lineage(versions, first.reading.born)) {
    if ((own[0] as Version).from >= first.from) continue
    const last = own.findLast(({ from }) => from <= endedAt)
    const lost = [...(last?.reading.applied ?? [])].find((at) => !first.reading.applied.has(at))
    if (lost !== undefined) fail(request, `lost request ${lost}`)
  }
}

/** When a renew ends, the new token is the session's only one. */
export function checkAlone({ versions }: Timelines, request: RequestLog): void {
  const { newId, endedAt } = request
  const first = newId === null ? undefined : versions.get(newId)?.[0]
  if (first === undefined) return
  for (const own of lineage(versions, first.reading.born)) {
    const other = own.find(({ id, from, to }) => id !== newId && from <= endedAt && to > endedAt)
    if (other) fail(request, 'another token of the session works')
  }
}

/** The timelines of one session, under all its tokens. */
function lineage(versions: Timelines['versions'], born: number): (readonly Version[])[] {
  return [...versions.values()].filter((own) => own[0]?.reading.born === born)
}
