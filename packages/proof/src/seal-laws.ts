import { fail, mayBePending } from './outcome-laws.ts'
import { isOutOfOrder } from './plan.ts'
import type { Timelines, Version } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** Whether the request's process may meet records that are sealed with a secret that it does not have. */
export function isBlind({ plan }: Run, { plan: { process } }: RequestLog): boolean {
  return isOutOfOrder(plan) && plan.secrets[process] === 'old'
}

function isSealedByNew({ plan, memcached }: Run, { id, from }: Version): boolean {
  const written = memcached.log.find((each) => each.id === id && each.step === from)
  return written !== undefined && plan.secrets[written.process] === 'new'
}

/**
 * What a process may do about a record that another one sealed with a secret that it does not have: nothing by a
 * plain change. A sign-in begins another session, and a sign-out ends the one that is there.
 */
export function checkSeals(run: Run, timelines: Timelines): void {
  const { versions, listIds } = timelines
  if (!isOutOfOrder(run.plan)) return
  for (const request of run.requests) {
    const { committed, tokenId, startedAt, endedAt, outcome, plan } = request
    if (!isBlind(run, request) || plan.direct !== null || plan.intent !== 'keep') continue
    // The visitor has signed out there, as far as this process can tell.
    if (mayBePending(run, timelines, { ...request, id: tokenId })) continue
    const own = tokenId === null ? [] : (versions.get(tokenId) ?? [])
    const isThere = own.some(
      (each) => each.from <= startedAt && each.to > endedAt && isSealedByNew(run, each),
    )
    if (isThere && outcome === 'created') fail(request, 'replaced a session that it cannot open')
    if (isThere && committed?.cookie?.value === '') fail(request, 'cleared the cookie')
  }
  // A sign-in begins the subject's list anew, and ends the sessions in the one that it cannot open.
  const mayEnd = run.requests.some(
    ({ plan }) => plan.direct === 'revoke' || plan.intent === 'login',
  )
  if (mayEnd || run.plan.taken > 0) return
  const lost = run.memcached.log.find(({ what, id }) => what === 'deleted' && listIds.includes(id))
  if (lost !== undefined) throw new Error('a list was deleted by a process that cannot open it')
}
