import { fail } from './outcome-laws.ts'
import type { Chaos } from './plan.ts'
import type { Move, Timelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** How long the traces of a move are followed, in milliseconds. */
const lives = { forward: 15_000, mark: 60_000 } as const

/** Losses in the store, which end sessions and remove marks. */
const losses: readonly Chaos[] = ['expire', 'evict', 'flush', 'restart']

/** Checks what a run's moves left behind: renewals, sign-ins and rotations. */
export function checkMoves(run: Run, timelines: Timelines): void {
  for (const move of timelines.moves) checkTarget(run, move)
  for (const request of run.requests) {
    checkMovedOutcome(run, timelines, request)
    checkSignOut(run, timelines, request)
    checkPlainChange(run, timelines, request)
    checkLogin(run, timelines, request)
  }
  checkBrowser(run, timelines)
}

/** Sealing takes steps, so a mark may be older than its command. */
export const forgets = ({ plan: { chaos, sealed, requests } }: Run): boolean =>
  requests.some(({ isIdle }) => isIdle) ||
  chaos.some((each) => losses.includes(each) || (sealed && each !== 'stall'))

const isSignOut = ({ plan }: RequestLog): boolean =>
  plan.direct === 'destroy' || (plan.direct === null && plan.intent === 'destroy')

/**
 * Whether the process retries this sign-out, and refuses the session meanwhile. A sign-out that threw is retried once.
 */
const mayBePending = (request: RequestLog): boolean =>
  request.outcome === 'unconfirmed' || (request.outcome === 'threw auth' && isSignOut(request))

export const isLogin = ({ plan }: RequestLog): boolean =>
  plan.direct === null && plan.intent === 'login'

/** A move leads to an existing record, which only a sign-out ends. */
function checkTarget(run: Run, { from, to, step, sentAt, kind }: Move): void {
  const { memcached, requests } = run
  const own = memcached.log.filter(({ id }) => id === to)
  const before = own.findLast((each) => each.step <= step)
  const name = `the move of ${from.slice(0, 4)} to ${to.slice(0, 4)}`
  if (before === undefined) throw new Error(`${name} leads to a record that was never written`)
  const ends = own.filter((each) => each === before || each.step > step)
  for (const end of ends) {
    // A move that looks for its mark after the mark's expiry must assume that the session has ended.
    if (end.what !== 'deleted' || end.sentAt >= sentAt + lives[kind]) continue
    const isAsked = requests.some((each) => isSignOut(each) && each.startedAt <= end.step)
    if (!isAsked && !hasForgotten(run, from, step, end.step))
      throw new Error(`${name} ended the session: its new record was deleted`)
  }
}

/** Whether the store lost the entry under an id by itself, so that a move cannot tell that its mark was in place. */
function hasForgotten({ memcached }: Run, id: string, since: number, until: number): boolean {
  return memcached.log.some(
    (each) =>
      each.id === id &&
      (each.what === 'evicted' || each.what === 'expired') &&
      each.step > since &&
      each.step <= until,
  )
}

/** The ids that a sign-out under this id reaches at a time, beginning with the id itself. */
function reached({ moves }: Timelines, id: string, step: number, time: number): readonly string[] {
  const ids = [id]
  for (let at: string | undefined = id; at !== undefined;) {
    const here: string = at
    const next = moves.find((each) => each.from === here && each.step <= step)
    const isFollowed = next !== undefined && time < next.sentAt + lives[next.kind]
    at = isFollowed && !ids.includes(next.to) ? next.to : undefined
    if (at !== undefined) ids.push(at)
  }
  return ids
}

/** The mark that this request found under its token, or where forwards of rotations have led since. */
function markOf({ moves }: Timelines, { id }: RequestLog, step: number): Move | undefined {
  let at = id
  for (let hops = 0; hops <= moves.length; hops++) {
    const here = at
    const move = moves.find((each) => each.from === here && each.step <= step)
    if (move === undefined || move.kind === 'mark') return move
    at = move.to
  }
  return undefined
}

/** `moved` is reported only if the session was moved, and then `gone` is not. */
function checkMovedOutcome(run: Run, timelines: Timelines, request: RequestLog): void {
  const { outcome, endedAt, endTime, id } = request
  const mark = markOf(timelines, request, endedAt)
  if (outcome === 'moved' && mark === undefined) fail(request, 'reports a move that did not happen')
  if (outcome !== 'gone' || isSignOut(request) || forgets(run) || mayEndInList(run)) return
  const isThere = mark !== undefined && mark.from === id && endTime < mark.sentAt + lives.mark
  if (isThere && !isSignedOut(run, reached(timelines, id, endedAt, endTime), endedAt))
    fail(request, 'reports the end of a session that was moved')
}

/** Whether the session was signed out under one of these ids before a step. */
function isSignedOut({ memcached }: Run, ids: readonly string[], step: number): boolean {
  return memcached.log.some(
    (each) => each.what === 'deleted' && ids.includes(each.id) && each.step <= step,
  )
}

/** A sign-out under an old token ends the session, while its mark or forward is valid. */
function checkSignOut(run: Run, timelines: Timelines, request: RequestLog): void {
  const { id, outcome, endedAt, endTime } = request
  const isDone = outcome === 'gone' || outcome === 'destroyed'
  if (!isSignOut(request) || !isDone || id === null || forgets(run)) return
  for (const each of reached(timelines, id, endedAt, endTime)) {
    const versions = timelines.versions.get(each) ?? []
    if (versions.some(({ from, to }) => from <= endedAt && to > endedAt))
      fail(request, 'the session lives on where it was moved')
  }
}

/**
 * A plain change under a moved token creates no session, because its cookie would replace the new one. A token with an
 * expired forward leads nowhere.
 */
function checkPlainChange(run: Run, timelines: Timelines, request: RequestLog): void {
  const { outcome, id, startedAt, endTime, plan } = request
  if (outcome !== 'created' || plan.intent === 'login' || id === null || forgets(run)) return
  if (run.requests.some(mayBePending)) return
  const mark = markOf(timelines, request, startedAt)
  if (mark === undefined || endTime >= mark.sentAt + lives.mark) return
  if (reached(timelines, id, startedAt, endTime).includes(mark.from))
    fail(request, 'began a session under a token that was moved')
}

/**
 * A sign-in is never refused because of the session's fate. If the session was moved in the meantime, the new one has
 * this request's data; if it was signed out, the new one has none of its data.
 */
function checkLogin(run: Run, timelines: Timelines, request: RequestLog): void {
  const { memcached } = run
  const { outcome, id, newId, state, seen, committingAt, endedAt, endTime, plan } = request
  const { versions } = timelines
  if (!isLogin(request)) return
  if (outcome === 'moved' || outcome === 'gone') fail(request, 'the sign-in was refused')
  if (outcome !== 'created' || state !== 'live' || id === null || newId === null) return
  const made = versions.get(newId)?.[0]?.reading.applied ?? new Set()
  const held = versions.get(id)?.find(({ reading }) => reading.n === seen)?.reading.applied
  const ids = reached(timelines, id, endedAt, 0)
  const ends = memcached.log.filter((each) => each.what !== 'written' && ids.includes(each.id))
  const signedOutAt = ends.find(({ what }) => what === 'deleted')?.step ?? Infinity
  if (signedOutAt <= committingAt) {
    const kept = [...made].find((at) => at !== plan.at)
    if (kept !== undefined) fail(request, `request ${kept} of an ended session is in the new one`)
  }
  if (!plan.hasSubject && (forgets(run) || mayEndInList(run))) return
  // After a forward or mark has expired, the session counts as ended.
  const isMoved =
    reached(timelines, id, endedAt, endTime).length > 1 && ends.every(({ step }) => step > endedAt)
  const lost = isMoved ? [...(held ?? [])].find((at) => !made.has(at)) : undefined
  if (lost !== undefined) fail(request, `its new session is without request ${lost}`)
}

/**
 * Whether a sign-in without the subject may find that the session has ended with its entry in the list: by a revocation,
 * or at the limit.
 */
function mayEndInList({ plan }: Run): boolean {
  if (plan.requests.every(({ hasSubject }) => hasSubject)) return false
  return plan.limit < 100 || plan.requests.some(({ direct }) => direct === 'revoke')
}

/** A move never signs out a browser that keeps its cookie. */
function checkBrowser(run: Run, timelines: Timelines): void {
  const { plan, requests, browsers, memcached, tokens } = run
  if (plan.failing > 0 || plan.taken > 0 || plan.limit < 100 || forgets(run)) return
  if (plan.requests.some(({ direct, intent }) => direct !== null || intent === 'destroy')) return
  const [browser] = browsers
  const id = [...tokens].find(([, token]) => token === browser?.current)?.[0]
  if (id === undefined) throw new Error('the browser lost its cookie, and no one signed out')
  const last = memcached.log.findLast((each) => each.id === id)
  const move = timelines.moves.find(({ from }) => from === id)
  if (move === undefined) {
    if (last?.what !== 'written') throw new Error('the session of the browser is gone')
    return checkSignedIn(run, timelines, id)
  }
  const isKnown = requests.some(({ newId, outcome }) => newId === move.to && outcome === 'renewed')
  if (move.kind === 'mark' && !isKnown)
    throw new Error('the session of the browser was moved, and no answer has its new token')
}

/**
 * Nor does the browser lose its subject, unless it signed in without one, or started a session without a token, or with
 * one that was moved too long ago.
 */
function checkSignedIn({ plan, requests }: Run, timelines: Timelines, id: string): void {
  if (plan.requests[0]?.intent !== 'login') return
  const isExcused = requests.some((each) => {
    if (isLogin(each) && !each.plan.hasSubject) return true
    if (each.outcome !== 'created' || isLogin(each)) return false
    const mark = markOf(timelines, each, each.openedAt)
    const isLate = mark !== undefined && each.endTime >= mark.sentAt + lives.mark
    return each.token === null || isLate || isAfterForward(timelines, each)
  })
  const [last] = (timelines.versions.get(id) ?? []).slice(-1)
  if (!isExcused && last?.subject === null) throw new Error('the browser is not signed in any more')
}

/** Whether the forward under the request's token expired during the request. */
function isAfterForward({ moves }: Timelines, { tokenId, openedTime }: RequestLog): boolean {
  const forward = moves.find(({ from, kind }) => from === tokenId && kind === 'forward')
  return forward !== undefined && openedTime >= forward.sentAt + lives.forward
}
