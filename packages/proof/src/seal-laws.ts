import { fail, mayBePending } from './outcome-laws.ts'
import { isOutOfOrder } from './plan.ts'
import type { Timelines, Version } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** Whether the request's process may find records that are sealed with a secret that it does not have. */
export function isBlind({ plan }: Run, { plan: { process } }: RequestLog): boolean {
  return isOutOfOrder(plan) && plan.secrets[process] === 'old'
}

function isSealedByNew({ plan, memcached }: Run, { id, from }: Version): boolean {
  const written = memcached.log.find((each) => each.id === id && each.step === from)
  return written !== undefined && plan.secrets[written.process] === 'new'
}

/**
 * A process must not touch a record that is sealed with a secret it lacks, if the request is a plain change. A sign-in
 * creates another session, and a sign-out ends the existing one.
 */
export function checkSeals(run: Run, timelines: Timelines): void {
  const { versions, listIds } = timelines
  if (!isOutOfOrder(run.plan)) return
  for (const request of run.requests) {
    const { committed, tokenId, startedAt, endedAt, outcome, plan } = request
    if (!isBlind(run, request) || plan.direct !== null || plan.intent !== 'keep') continue
    // As far as this process can tell, the visitor has signed out there.
    if (mayBePending(run, timelines, { ...request, id: tokenId })) continue
    const own = tokenId === null ? [] : (versions.get(tokenId) ?? [])
    const isThere = own.some(
      (each) => each.from <= startedAt && each.to > endedAt && isSealedByNew(run, each),
    )
    if (isThere && outcome === 'created') fail(request, 'replaced a session that it cannot open')
    if (isThere && committed?.cookie?.value === '') fail(request, 'cleared the cookie')
  }
  // A sign-in recreates the subject's list, and so ends the sessions in the one that it cannot open.
  const mayEnd = run.requests.some(
    ({ plan }) => plan.direct === 'revoke' || plan.intent === 'login',
  )
  if (mayEnd || run.plan.taken > 0) return
  const lost = run.memcached.log.find(({ what, id }) => what === 'deleted' && listIds.includes(id))
  if (lost !== undefined) throw new Error('a list was deleted by a process that cannot open it')
}
