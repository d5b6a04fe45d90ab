import { forgets, isLogin } from './move-laws.ts'
import { lineage } from './outcome-laws.ts'
import { isOutOfOrder } from './plan.ts'
import type { Timelines, Version } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** Checks a subject's sessions. */
export function checkSubjects(run: Run, timelines: Timelines): void {
  checkListed(run, timelines)
  checkEmptied(run)
  checkCarried(run, timelines)
  checkLimit(run, timelines)
}

/** The signed-in sessions that exist once all requests have ended. */
function tiedOf({ versions }: Timelines): readonly Version[] {
  const standing = [...versions.values()].flatMap((own) => own.at(-1) ?? [])
  return standing.filter(({ to, subject }) => to === Infinity && subject !== null)
}

/** If a request takes longer than this, in milliseconds, its list is older than its session. */
const usual = 60_000

/** Every live session is listed. */
function checkListed({ plan, requests, alive, listed }: Run, timelines: Timelines): void {
  if (plan.failing > 0 || isOutOfOrder(plan) || listed === null) return
  if (requests.some(({ startTime, endTime }) => endTime - startTime > usual)) return
  const live = tiedOf(timelines).filter(({ id }) => alive.has(id))
  if (live.length > listed)
    throw new Error(`${live.length} sessions of the subject are alive, and ${listed} are listed`)
}

/**
 * No session is listed after a revocation, unless one signs in again, or the entry of a failed sign-in arrived late.
 */
function checkEmptied({ requests, listed, plan }: Run): void {
  if (listed === null || listed === 0 || isOutOfOrder(plan)) return
  const revocation = requests.find(({ outcome }) => outcome === 'revoked')
  if (revocation === undefined) return
  const isAgain = requests.some(
    (each) =>
      isLogin(each) && (each.endedAt > revocation.startedAt || each.outcome === 'unavailable'),
  )
  if (!isAgain) throw new Error(`${listed} sessions are listed after all were revoked`)
}

/**
 * The data of a revoked session does not go on in a sign-in without a subject, unless another one has taken the session
 * from its subject before, or the subject signs in again.
 */
function checkCarried({ plan, requests }: Run, { versions }: Timelines): void {
  if (plan.failing > 0 || isOutOfOrder(plan)) return
  for (const revocation of requests.filter(({ outcome }) => outcome === 'revoked')) {
    const { startedAt, endedAt } = revocation
    const changing = requests.filter(
      (each) => isLogin(each) && (!each.plan.hasSubject || each.endedAt > startedAt),
    )
    const [own] = changing
    if (own === undefined || changing.length > 1 || own.plan.hasSubject) continue
    if (own.subject === null || own.openedAt > startedAt || own.committingAt < endedAt) continue
    const made = own.newId === null ? undefined : versions.get(own.newId)?.[0]?.reading.applied
    const kept = [...(made ?? [])].find((each) => each !== own.plan.at)
    if (kept !== undefined) {
      throw new Error(`request ${kept} of a revoked session is in the one of ${own.plan.at}`)
    }
  }
}

/** The limit ends the sessions with the oldest sign-ins, and no others. */
function checkLimit(run: Run, timelines: Timelines): void {
  const { plan, requests, alive } = run
  if (plan.limit >= 100 || plan.failing > 0 || plan.taken > 0 || forgets(run)) return
  if (plan.requests.some(({ direct, intent }) => direct !== null || intent === 'destroy')) return
  const tied = tiedOf(timelines)
  const live = tied.filter(({ id }) => alive.has(id))
  if (live.length > plan.limit) throw new Error(`${live.length} sessions, and ${plan.limit} may be`)
  const renewing = requests.filter((each) => isLogin(each) || each.outcome === 'renewed')
  for (const { id } of tied) {
    if (alive.has(id)) continue
    const ids = new Set(lineage(timelines, id).map(([first]) => first?.id))
    const isOwn = ({ newId }: RequestLog): boolean => newId !== null && ids.has(newId)
    const last = renewing.findLast(isOwn)
    if (last === undefined) continue
    const others = renewing.filter((each) => !isOwn(each))
    const newer = others.filter(({ endTime }) => endTime >= last.startTime)
    const isOrdered = newer.every(({ startTime }) => startTime > last.endTime)
    if (isOrdered && newer.length < plan.limit) {
      throw new Error(`the limit ended ${id.slice(0, 4)}, which is not the oldest`)
    }
  }
}
