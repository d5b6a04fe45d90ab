import { forgets } from './move-laws.ts'
import { fail } from './outcome-laws.ts'
import type { Timelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** Judges the rotations of a run: that they come, that they cost nothing else, and that browsers hear of them. */
export function checkRotations(run: Run, timelines: Timelines): void {
  for (const request of run.requests) {
    checkTold(run, timelines, request)
    checkDue(run, timelines, request)
  }
  checkForNothing(run, timelines)
}

/** A browser that comes by a forward is told the new token while that is unused, and not after. */
function checkTold({ requests }: Run, { moves }: Timelines, request: RequestLog): void {
  const { committed, id, outcome, state, startedAt, endedAt, token, plan } = request
  if (committed === null || state !== 'live' || plan.direct !== null || token === null) return
  if (outcome !== 'unchanged' && outcome !== 'saved') return
  const forward = moves.find(
    (each) => each.kind === 'forward' && each.to === id && each.step < startedAt,
  )
  if (forward === undefined || request.tokenId !== forward.from) return
  const users = requests.filter((each) => each.tokenId === id && each.startedAt < endedAt)
  const isTold = committed.cookie !== null
  if (users.length === 0 && !isTold) fail(request, 'was not told the new token')
  const wasUsed = users.some(
    (each) => each.outcome === 'saved' && each.plan.writes && each.endedAt < startedAt,
  )
  if (wasUsed && isTold && !plan.isFormer)
    fail(request, 'was told the new token after it had been used')
}

/** The age of a token at which it is due, and how much older it is when every process must see it, in milliseconds. */
const dueAge = 60_000
const dueAgeAfterRenewal = 120_000
const margin = 2000

/** A token that is due when a request commits has been replaced when all requests have ended, beside any other writers. */
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
 * Whether a minute passes over two requests, and over a commit beside this one: that holds the record no more, and each
 * may leave it to the other.
 */
function isBesideStopped({ requests }: Run, { committingTime, endTime }: RequestLog): boolean {
  const long = requests.filter((each) => each.endTime - each.startTime >= dueAge)
  const isStopped = (each: RequestLog): boolean =>
    each.endTime - each.committingTime >= dueAge &&
    each.committingTime <= endTime &&
    each.endTime >= committingTime
  return long.length > 1 && long.some(isStopped)
}

/** For how long a rotation keeps others waiting: one that takes longer may find that it was overtaken. */
const holding = 500

/** Of requests that would rotate a token at once, one makes a record. */
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
    // One that has just ended may have been overtaken by the one that made the record.
    const madeAt = (made?.sentAt ?? 0) - holding
    const isSlow = requests.some(
      ({ startedAt, startTime, endTime }) =>
        startedAt <= step && madeAt <= endTime && endTime - startTime >= holding,
    )
    if (!isSlow) throw new Error('a rotation made a record for nothing')
  }
}
