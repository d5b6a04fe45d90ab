import type { Sent } from './fake-memcached.ts'
import { fail } from './outcome-laws.ts'
import type { Plan } from './plan.ts'
import { isOutOfOrder } from './plan.ts'
import { slowest } from './schedule.ts'
import type { Timelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** The maximum number of writes of a compare-and-swap loop, and its maximum time in milliseconds. */
const maxTries = 16

/** The maximum number of checks whether a move has ended. */
const maxWaits = 64
const maxDuration = 1000

/**
 * How much later a save may be sent: the core checks the clock every 50 ms, and after a check it waits up to 64 ms and
 * loads the record once more.
 */
const tolerance = 200 + 2 * slowest

/** A stall hides the time since the last check, up to two intervals. */
const lostByStall = 100

/** Checks the commands that the processes sent: how many, for how long, and when they gave up. */
export function checkCommands(run: Run, timelines: Timelines): void {
  checkTime(run)
  for (const request of run.requests) {
    checkGivenUp(run, request)
    checkCount(run, timelines, request)
  }
}

/**
 * With a healthy store, a commit gives up only after the maximum number of conflicts, or once the event loop has had
 * its time: a stall of the process does not count as conflicts with other writers.
 */
function checkGivenUp({ plan, memcached }: Run, request: RequestLog): void {
  const { outcome, committingAt, endedAt, committingLoopTime, endLoopTime } = request
  if (outcome !== 'conflict' || plan.failing > 0 || plan.taken > 0) return
  if (endLoopTime - committingLoopTime >= maxDuration) return
  const answered = memcached.sent.filter(
    ({ process, answer }) =>
      process === request.plan.process &&
      answer !== null &&
      answer.step >= committingAt &&
      answer.step <= endedAt,
  )
  if (answered.filter(({ command }) => command === 'load').length >= maxWaits) return
  const conflicts = answered.filter(({ answer }) => /^(conflict|false)$/.test(answer?.said ?? ''))
  if (conflicts.length < maxTries) fail(request, `gave up after ${conflicts.length} conflicts`)
}

/** The saves of one record by one process run one after another, and end when their time is over. */
function checkTime({ plan, memcached, requests }: Run): void {
  if (plan.order !== 'time' || plan.failing > 0 || plan.taken > 0 || plan.rotates) return
  // A move that another one overtook continues as a save, with a new time limit.
  if (plan.requests.some(({ intent }) => intent === 'renew' || intent === 'login')) return
  const stalls = plan.chaos.filter((each) => each !== 'evict' && each !== 'flush').length
  const most = maxDuration + tolerance + stalls * lostByStall
  const saves = memcached.sent.filter(({ command }) => command === 'save')
  const chains = Map.groupBy(saves, ({ process, id }) => `${process} ${id}`)
  for (const chain of chains.values()) {
    let conflict: Sent['answer'] = null
    for (const save of chain) {
      const { step, answer, process } = save
      const time = plan.schema?.isAsynchronous ? loadedAt(memcached, save) : save.time
      const since = conflict
      const isOther = requests.some(
        ({ endedAt, plan: { process: own } }) =>
          own === process && since !== null && endedAt >= since.step && endedAt <= step,
      )
      if (isOther) conflict = null
      if (conflict !== null && time > conflict.time + most)
        throw new Error(`a save was sent ${time - conflict.time} ms after its first conflict`)
      if (answer?.said !== 'conflict') conflict = null
      else conflict ??= answer
    }
  }
}

/** A try begins with a load. The core cannot limit the time of the app's asynchronous schema after that. */
function loadedAt({ sent }: Run['memcached'], { process, id, step, time }: Sent): number {
  const load = sent.findLast(
    (each) =>
      each.command === 'load' && each.process === process && each.id === id && each.step < step,
  )
  return load?.time ?? time
}

/** The maximum cost of each outcome besides the load, without a subject. */
const costs: Readonly<Record<string, number>> = {
  // The first use of a token from a rotation is recorded.
  unchanged: 1,
  discarded: 0,
  moved: 0,
  created: 1,
  saved: 1,
  renewed: 2,
  rotated: 4,
  destroyed: 1,
}

/** Whether commands may fail, or find something else than what a request left. */
const isHampered = ({ failing, taken, chaos, secrets, requests }: Plan): boolean =>
  failing > 0 ||
  taken > 0 ||
  isOutOfOrder({ secrets }) ||
  requests.some(({ isIdle }) => isIdle) ||
  chaos.some((each) => each !== 'stall')

/** A request without concurrent requests needs no more commands than these. */
function checkCount(
  { plan, memcached, requests }: Run,
  { listIds }: Timelines,
  request: RequestLog,
): void {
  const { startedAt, endedAt, outcome, state, token, id, tokenId, committed } = request
  const cost = costs[outcome]
  if (cost === undefined || request.plan.direct !== null || isHampered(plan)) return
  if (state !== 'live' && token !== null) return
  const isMet = requests.some(
    (other) => other !== request && other.startedAt <= endedAt && other.endedAt >= startedAt,
  )
  if (isMet) return
  const sent = memcached.sent.filter(({ step }) => step >= startedAt && step <= endedAt)
  const ofLists = sent.filter((each) => listIds.includes(each.id))
  const base = outcome === 'unchanged' && !plan.rotates ? 0 : cost
  // The forward is followed, and its short expiry is restored.
  const toFollow = id === tokenId ? 0 : 2
  // Before repeating its token, the core checks that the session still has it.
  const toTell = (outcome === 'unchanged' || outcome === 'saved') && committed?.cookie ? 1 : 0
  const most = (token === null ? 0 : 1) + toFollow + base + toTell
  if (sent.length - ofLists.length > most)
    fail(request, `needed ${sent.length - ofLists.length} commands, and ${most} are enough`)
  const mostOfLists = listCost(request)
  if (ofLists.length > mostOfLists)
    fail(request, `needed ${ofLists.length} commands for the list, and ${mostOfLists} are enough`)
}

/**
 * A read of the list along with the session, and two commands for each list change: adding, removing, or recording a
 * use.
 */
function listCost({ subject, plan, outcome }: RequestLog): number {
  const isSignIn = plan.intent === 'login' && (outcome === 'created' || outcome === 'renewed')
  const isListed = subject !== null
  return (isListed ? 3 : 0) + (isSignIn ? 2 : 0)
}
