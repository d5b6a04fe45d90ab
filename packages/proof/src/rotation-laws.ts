import { forgets } from './move-laws.ts'
import { fail } from './outcome-laws.ts'
import type { Timelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** Checks a run's rotations: that they happen, cost nothing else, and are reported to browsers. */
export function checkRotations(run: Run, timelines: Timelines): void {
  for (const request of run.requests) {
    checkTold(run, timelines, request)
    checkDue(run, timelines, request)
  }
  checkForNothing(run, timelines)
}

/** A browser that comes through a forward gets the new token while it is unused, and not after. */
function checkTold({ requests }: Run, { moves, versions }: Timelines, request: RequestLog): void {
  const { committed, id, outcome, state, startedAt, endedAt, token, plan } = request
  if (committed === null || state !== 'live' || plan.direct !== null || token === null) return
  if (outcome !== 'unchanged' && outcome !== 'saved') return
  const forward = moves.find(
    (each) => each.kind === 'forward' && each.to === id && each.step < startedAt,
  )
  if (forward === undefined || request.tokenId !== forward.from) return
  // The browser must not get a token that has stopped working.
  if (id === null || !versions.get(id)?.some(({ to }) => to > endedAt)) return
  const users = requests.filter((each) => each.tokenId === id && each.startedAt < endedAt)
  const isTold = committed.cookie !== null
  if (users.length === 0 && !isTold) fail(request, 'was not told the new token')
  const wasUsed = users.some(
    (each) => each.outcome === 'saved' && each.plan.writes && each.endedAt < startedAt,
  )
  if (wasUsed && isTold && !plan.isFormer)
    fail(request, 'was told the new token after it had been used')
}

/** The age at which a token is due, and the margin after which every process must see that, in milliseconds. */
const dueAge = 60_000
const dueAgeAfterRenewal = 120_000
const margin = 2000

/** A token that is due at a request's commit has been replaced once all requests have ended, despite other writers. */
function checkDue(run: Run, { moves }: Timelines, request: RequestLog): void {
  const { plan, memcached } = run
  const { id, state, outcome, committingTime } = request
  if (!plan.rotates || plan.failing > 0 || plan.taken > 0 || plan.order === 'time') return
  if (forgets(run) || plan.chaos.includes('stall')) return
  if (state !== 'live' || (outcome !== 'saved' && outcome !== 'unchanged')) return
  if (isBesideStopped(run, request)) return
  const own = memcached.log.filter((each) => each.id === id)
  const isRenewed = run.requests.some((each) => each.newId === id && each.outcome === 'renewed')
  const age = committingTime - (own[0]?.sentAt ?? Infinity)
  const isDue = age >= (isRenewed ? dueAgeAfterRenewal : dueAge) + margin
  const isReplaced = own.at(-1)?.what === 'deleted' || moves.some(({ from }) => from === id)
  if (isDue && !isReplaced) fail(request, 'found a token that was due, and no request rotated it')
}

/**
 * Whether two requests take over a minute, and so does a commit concurrent with this one. That commit no longer holds
 * the record, and each may leave the rotation to the other.
 */
function isBesideStopped({ requests }: Run, { committingTime, endTime }: RequestLog): boolean {
  const long = requests.filter((each) => each.endTime - each.startTime >= dueAge)
  const isStopped = (each: RequestLog): boolean =>
    each.endTime - each.committingTime >= dueAge &&
    each.committingTime <= endTime &&
    each.endTime >= committingTime
  return long.length > 1 && long.some(isStopped)
}

/** How long a rotation makes others wait; a slower one may be overtaken. */
const holding = 500

/** Of several requests that want to rotate the same token, only one creates a record. */
function checkForNothing(run: Run, { listIds }: Timelines): void {
  const { plan, requests, memcached } = run
  if (plan.failing > 0 || plan.taken > 0 || forgets(run)) return
  const isPlain = plan.requests.every(
    ({ direct, intent }, at) =>
      direct === null && (at === 0 || intent === 'keep' || intent === 'discard'),
  )
  if (!isPlain) return
  for (const { what, id, step } of memcached.log) {
    if (what !== 'deleted' || listIds.includes(id)) continue
    const made = memcached.log.find((each) => each.id === id)
    // A request that ended recently may have been overtaken by the one that created the record.
    const madeAt = (made?.sentAt ?? 0) - holding
    const isSlow = requests.some(
      ({ startedAt, startTime, endTime }) =>
        startedAt <= step && madeAt <= endTime && endTime - startTime >= holding,
    )
    if (!isSlow) throw new Error('a rotation made a record for nothing')
  }
}
