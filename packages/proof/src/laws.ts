import {
  checkAlone,
  checkDead,
  checkEnded,
  checkIn,
  checkMoved,
  checkOut,
  fail,
} from './outcome-laws.ts'
import type { Timelines, Version } from './timeline.ts'
import { readTimelines } from './timeline.ts'
import type { RequestLog, Run } from './world.ts'

/** Judges a run. Throws at the first law that it breaks. */
export async function checkLaws(run: Run): Promise<void> {
  for (const request of run.requests) checkSettled(run, request)
  const timelines = await readTimelines(run)
  for (const versions of timelines.versions.values()) {
    for (const version of versions) checkStep(run, version)
  }
  for (const request of run.requests) {
    checkRead(run, timelines, request)
    checkCookie(request)
    checkOutcome(run, timelines, request)
  }
  checkDeaths(run, timelines)
  checkDebris(run, timelines)
  checkDecoys(run, timelines)
}

function checkSettled(run: Run, request: RequestLog): void {
  if (run.requests.length !== run.plan.requests.length) throw new Error('a request never started')
  if (request.outcome === '') fail(request, 'never ended')
}

/** From one version of a record to the next: nobody who was in is out, and the later save wins. */
function checkStep({ requests }: Run, { id, reading, before }: Version): void {
  if (before === null) return
  const name = id.slice(0, 4)
  const old = before.reading
  if (reading.born !== old.born) throw new Error(`${name} became another session`)
  for (const at of old.applied) {
    if (!reading.applied.has(at))
      throw new Error(`lost update: request ${at} is out of ${name} again`)
  }
  const wanted = requests
    .filter(({ plan: { at } }) => reading.applied.has(at) && !old.applied.has(at))
    .map(({ shared }) => shared)
    .filter((shared) => shared !== 'untouched')
  if (wanted.length === 0) wanted.push(old.shared)
  if (!wanted.includes(reading.shared)) {
    throw new Error(`${name}: 'shared' is ${String(reading.shared)}, by none of the last writers`)
  }
}

/** What a request saw was true at some step between its beginning and the handler's. */
function checkRead(run: Run, timelines: Timelines, request: RequestLog): void {
  const { id, state, seen, startedAt, openedAt, plan } = request
  if (plan.direct !== null || state === '') return
  const versions = id === null ? [] : (timelines.versions.get(id) ?? [])
  const during = versions.filter(({ from, to }) => from <= openedAt && to >= startedAt)
  if (state === 'live') {
    checkRevoked(run, request)
    if (during.some(({ reading }) => reading.n === seen)) return
    fail(
      request,
      during.length === 0 ? 'read a dead session' : `read what nobody wrote: ${String(seen)}`,
    )
  }
  if (seen !== undefined) fail(request, `saw data in a session that is ${state}`)
  const failed = run.memcached.failures.some(
    ({ step, command }) => command === 'load' && step >= startedAt && step <= openedAt,
  )
  if (state === 'unavailable' && !failed) fail(request, 'was told of an outage that was none')
  const throughout = during.some(({ from, to }) => from <= startedAt && to > openedAt)
  if (state === 'new' && throughout && !mayBeOver(run, request)) {
    fail(request, 'took a live session for none')
  }
}

/** After a revocation nobody reads a session of that subject, unless somebody signed in again. */
function checkRevoked({ requests }: Run, request: RequestLog): void {
  for (const { plan, outcome, startedAt, endedAt } of requests) {
    if (plan.direct !== 'revoke' || outcome !== 'revoked') continue
    if (request.subject === null || request.startedAt <= endedAt) continue
    const again = requests.some(
      (other) => other.plan.intent === 'login' && other.endedAt > startedAt,
    )
    if (!again) fail(request, `read a session that request ${plan.at} had revoked`)
  }
}

/** Whether a record may be there and its session over: by lifetime, by revocation, by a denial. */
function mayBeOver({ plan, requests }: Run, request: RequestLog): boolean {
  if (plan.chaos.includes('expire') || plan.requests.some(({ intent }) => intent === 'login'))
    return true
  return requests.some(
    ({ outcome, id, plan: other, endedAt }) =>
      outcome === 'unconfirmed' &&
      id === request.id &&
      other.process === request.plan.process &&
      endedAt <= request.openedAt,
  )
}

const issuing: readonly string[] = ['created', 'renewed', 'rotated']

/** A cookie is set with a new token, cleared by a confirmed destroy, and else left alone. */
function checkCookie(request: RequestLog): void {
  const { committed, outcome, newId, id } = request
  if (committed === null) return
  const { cookie } = committed
  if (issuing.includes(outcome)) {
    if (!cookie?.value) fail(request, 'set no cookie')
    if (cookie?.value === request.token || newId === null || newId === id)
      fail(request, 'kept its token')
  } else if (outcome === 'destroyed') {
    if (cookie?.value !== '') fail(request, 'did not clear the cookie')
  } else if (cookie !== null) fail(request, 'touched the cookie')
}

/** The outcome tells the truth. */
function checkOutcome(run: Run, timelines: Timelines, request: RequestLog): void {
  const { outcome, id, newId } = request
  switch (outcome) {
    case 'saved':
    case 'created':
      return checkIn(timelines, request, newId)
    case 'renewed':
    case 'rotated':
      if (outcome === 'renewed') checkAlone(timelines, request)
      checkMoved(timelines, request)
      checkDead(run, timelines, request, id)
      return checkIn(timelines, request, newId)
    case 'destroyed':
      checkDead(run, timelines, request, id)
      checkEnded(timelines, request, lostDelete(run, request))
      return checkOut(run, timelines, request)
    case 'gone':
      if (!run.plan.chaos.includes('expire')) checkDead(run, timelines, request, id)
      return checkOut(run, timelines, request)
    case 'unconfirmed':
      checkFailed(run, request)
      if (request.plan.direct === 'revoke') return
      return checkDead(run, timelines, { ...request, endedAt: Number.MAX_VALUE }, id)
    case 'unavailable':
      return checkFailed(run, request)
    case 'revoked':
    case 'no list':
      return
    default:
      return checkOut(run, timelines, request)
  }
}

/** What to say of a destroy that ended another session than the visitor has. */
function lostDelete({ memcached }: Run, { startedAt, endedAt }: RequestLog): string {
  const lost = memcached.failures.some(
    ({ command, step }) => command === 'delete' && step >= startedAt && step <= endedAt,
  )
  const law = 'the session lives on under a new token'
  return lost ? `${law}, its first delete having failed` : law
}

function checkFailed({ memcached }: Run, request: RequestLog): void {
  const { startedAt, endedAt } = request
  const failed = memcached.failures.some(({ step }) => step >= startedAt && step <= endedAt)
  if (!failed) fail(request, 'speaks of an outage that was none')
}

/** A record is deleted by who asked for it: a destroy, a renew that was carried out, a lost delete. */
function checkDeaths({ memcached, requests }: Run, { versions }: Timelines): void {
  for (const { id, what } of memcached.log) {
    if (what !== 'deleted' || !versions.has(id)) continue
    const wanted = requests.some(
      ({ plan, outcome }) =>
        plan.direct === 'destroy' || plan.intent === 'destroy' || outcome === 'renewed',
    )
    const lost = memcached.failures.some(
      (failure) => failure.id === id && failure.command === 'delete',
    )
    if (wanted || lost) continue
    throw new Error('a session was deleted that nobody wanted to end')
  }
}

/** A record that no token leads to is explained by an answer that was lost. */
function checkDebris({ memcached, requests }: Run, { listId, versions }: Timelines): void {
  const debris = memcached
    .live()
    .filter((id) => id !== listId && !versions.has(id) && !memcached.decoys.has(id))
  const lost = memcached.failures.filter(
    ({ command }) => command === 'create' || command === 'delete',
  )
  // A rotation that does not know whether its pointer is in place must leave what it would lead to.
  const unknown = requests.filter(({ outcome }) => outcome === 'unavailable')
  if (debris.length > lost.length + unknown.length) {
    throw new Error(`${debris.length} records are left that no token leads to`)
  }
}

/** A record that lay at an id before we claimed it is as it was. */
function checkDecoys({ memcached, tokens }: Run, { listId }: Timelines): void {
  for (const id of memcached.decoys) {
    // A list that cannot be read is replaced: it stands in the way of its subject.
    if (id === listId) continue
    const happenings = memcached.log.filter((happening) => happening.id === id)
    const touched = happenings.slice(1).some(({ what }) => what === 'written' || what === 'deleted')
    if (touched || tokens.has(id)) throw new Error("somebody else's record was adopted or changed")
  }
}
