import {
  checkAlone,
  checkDead,
  checkEnded,
  checkIn,
  checkMoved,
  checkOut,
  fail,
  isPending,
  mayBePending,
} from './outcome-laws.ts'
import { checkAnswer, checkShared } from './answer-laws.ts'
import { checkCommands } from './command-laws.ts'
import { checkEvents } from './event-laws.ts'
import { checkFailure } from './failure-laws.ts'
import { checkMoves } from './move-laws.ts'
import { defaultsOf } from './model-schema.ts'
import { isOutOfOrder } from './plan.ts'
import { checkRotations } from './rotation-laws.ts'
import { checkSeals, isBlind } from './seal-laws.ts'
import { checkTokens } from './token-laws.ts'
import { checkSubjects } from './subject-laws.ts'
import type { Timelines, Version } from './timeline.ts'
import { readTimelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** Checks a run. Throws at the first law that it breaks. */
export async function checkLaws(run: Run): Promise<void> {
  for (const request of run.requests) checkSettled(run, request)
  const timelines = await readTimelines(run)
  if (timelines.isUnclear) return
  for (const versions of timelines.versions.values()) {
    for (const version of versions) {
      checkVisitor(run, version)
      checkStep(run, version)
    }
  }
  checkSeals(run, timelines)
  const seeing = run.requests.filter((request) => !isBlind(run, request))
  for (const request of seeing) {
    checkRead(run, timelines, request)
    checkCookie(request)
    checkOutcome(run, timelines, request)
    checkFailure(timelines, request)
  }
  for (const request of run.requests) checkAnswer(run, request)
  checkShared(run)
  checkEvents(run, timelines)
  checkCommands(run, timelines)
  if (!isOutOfOrder(run.plan)) {
    checkMoves(run, timelines)
    checkTokens(run, timelines)
    checkRotations(run, timelines)
  }
  checkSubjects(run, timelines)
  checkDeaths(run, timelines)
  checkDebris(run, timelines)
  checkForeignRecords(run, timelines)
}

function checkSettled(run: Run, request: RequestLog): void {
  if (run.requests.length !== run.plan.requests.length) throw new Error('a request never started')
  if (request.outcome === '') fail(request, 'never ended')
}

/** From one version of a record to the next, no request is lost, and the later save wins. */
function checkStep({ requests }: Run, { id, reading, subject, before }: Version): void {
  if (before === null) return
  const name = id.slice(0, 4)
  const old = before.reading
  if (reading.born !== old.born) throw new Error(`${name} became another session`)
  if (subject !== before.subject) throw new Error(`${name} changed its subject without a new token`)
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
    throw new Error(
      `${name}: 'shared' is ${String(reading.shared)}, not by one of the last writers`,
    )
  }
}

/** A session belongs to one visitor. */
function checkVisitor({ requests }: Run, { id, reading }: Version): void {
  const own = requests.filter(({ plan }) => reading.applied.has(plan.at))
  const visitors = new Set(own.map(({ plan }) => plan.visitor))
  if (visitors.size > 1) throw new Error(`${id.slice(0, 4)} has what two visitors did`)
}

/** What a request saw was true at some step between its start and the handler's. */
function checkRead(run: Run, timelines: Timelines, request: RequestLog): void {
  const { id, state, seen, startedAt, openedAt, plan } = request
  if (plan.direct !== null || state === '') return
  const versions = id === null ? [] : (timelines.versions.get(id) ?? [])
  const during = versions.filter(({ from, to }) => from <= openedAt && to >= startedAt)
  if (state === 'live') {
    checkRevoked(run, request)
    checkPending(run, request)
    if (request.sawFormer) fail(request, 'saw what the schema drops')
    if (during.some(({ reading }) => reading.n === seen)) return
    fail(
      request,
      during.length === 0 ? 'read a dead session' : `read what was never written: ${String(seen)}`,
    )
  }
  const { schema } = run.plan
  const isShaped = schema !== null && !(schema.carries && plan.at === 0)
  const isBlank = seen === (isShaped ? defaultsOf()['n'] : undefined)
  if (!isBlank) fail(request, `saw data in a session that is ${state}`)
  const failed = run.memcached.failures.some(
    ({ step, command }) => command === 'load' && step >= startedAt && step <= openedAt,
  )
  if (state === 'unavailable' && !failed) fail(request, 'got an outage that did not happen')
  const throughout = during.some(({ from, to }) => from <= startedAt && to > openedAt)
  if (state === 'new' && throughout && !mayBeOver(run, timelines, request)) {
    fail(request, 'did not find a live session')
  }
}

/** After a revocation no request reads a session of that subject, unless it signed in again. */
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

/** A process refuses a session whose sign-out is unconfirmed. */
function checkPending(run: Run, request: RequestLog): void {
  if (isPending(run, request, request.startedAt)) {
    fail(request, 'read a session whose sign-out is pending in its process')
  }
}

/** Whether a session may have ended although its record exists: by lifetime, revocation or a pending sign-out. */
function mayBeOver(run: Run, timelines: Timelines, request: RequestLog): boolean {
  const { chaos, requests } = run.plan
  const mayBeRevoked = requests.some(({ intent }) => intent === 'login')
  if (chaos.includes('expire') || mayBeRevoked) return true
  return mayBePending(run, timelines, request)
}

const issuing: readonly string[] = ['created', 'renewed', 'rotated']

/**
 * A cookie is set with a new token, cleared by a confirmed destroy, and otherwise left alone. A browser that sends a
 * rotated token gets the new one.
 */
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
  } else if (cookie !== null && !isTold(request)) fail(request, 'touched the cookie')
}

/** Whether the cookie contains the token of the session that was loaded or saved. */
function isTold({ plan, outcome, token, committed, id, newId }: RequestLog): boolean {
  if (outcome !== 'unchanged' && outcome !== 'saved') return false
  const told = committed?.cookie?.value
  const isNew = plan.isFormer || told !== token
  return plan.direct === null && told !== '' && isNew && (newId ?? id) !== null
}

/** The outcome is correct. */
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
    case 'threw auth':
      return checkFailed(run, request)
    case 'revoked':
    case 'no list':
      return
    default:
      return checkOut(run, timelines, request)
  }
}

/** The law broken by a destroy that ended another session than the visitor's. */
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
  if (!failed) fail(request, 'reports an outage that did not happen')
}

/** A record is deleted only by a destroy or a lost delete. Targets of moves are checked with the moves. */
function checkDeaths({ memcached, requests }: Run, { moves, versions }: Timelines): void {
  for (const { id, what } of memcached.log) {
    if (what !== 'deleted' || !versions.has(id) || moves.some(({ to }) => to === id)) continue
    const wanted = requests.some(
      ({ plan }) => plan.direct === 'destroy' || plan.intent === 'destroy',
    )
    const lost = memcached.failures.some(
      (failure) => failure.id === id && failure.command === 'delete',
    )
    if (wanted || lost) continue
    throw new Error('a session was deleted, and no request asked for it')
  }
}

/** Every record without a token is explained by a lost reply. */
function checkDebris({ memcached, requests }: Run, { listIds, versions }: Timelines): void {
  const debris = memcached
    .live()
    .filter((id) => !listIds.includes(id) && !versions.has(id) && !memcached.foreignIds.has(id))
  const lost = memcached.failures.filter(
    ({ command }) => command === 'create' || command === 'delete',
  )
  // A rotation that does not know whether its forward is in place must keep the new record.
  const unknown = requests.filter(({ outcome }) => /^(unavailable|threw auth)$/.test(outcome))
  if (debris.length > lost.length + unknown.length) {
    throw new Error(`${debris.length} records are left that no token leads to`)
  }
}

/** A record of another application, at an id that the core tried to create, is unchanged. */
function checkForeignRecords({ memcached, tokens }: Run, { listIds }: Timelines): void {
  for (const [id, since] of memcached.foreignIds) {
    // An unreadable list is replaced; otherwise its subject could not sign in.
    if (listIds.includes(id)) continue
    const later = memcached.log.slice(since).filter((happening) => happening.id === id)
    const touched = later.some(({ what }) => what === 'written' || what === 'deleted')
    if (touched || tokens.has(id))
      throw new Error('a record of another application was adopted or changed')
  }
}
