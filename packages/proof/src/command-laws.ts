import type { Sent } from './fake-memcached.ts'
import { fail } from './outcome-laws.ts'
import type { Plan } from './plan.ts'
import { isOutOfOrder } from './plan.ts'
import { slowest } from './schedule.ts'
import type { Timelines } from './timeline.ts'
import type { RequestLog, Run } from './run.ts'

/** How many writes a loop under compare-and-swap makes before it gives up, and how long it goes on, in milliseconds. */
const maxTries = 16

/** How often it looks whether a move has ended. */
const maxWaits = 64
const maxDuration = 1000

/**
 * How much later a save may be sent: the core looks at the clock every 50 ms, and after its look it waits for up to
 * 64 ms and loads the record once more.
 */
const tolerance = 200 + 2 * slowest

/** A stall takes the time since the last look with it, up to two looks. */
const lostByStall = 100

/** Judges what the processes sent to the store: how much, for how long, and when they gave up. */
export function checkCommands(run: Run, timelines: Timelines): void {
  checkTime(run)
  for (const request of run.requests) {
    checkGivenUp(run, request)
    checkCount(run, timelines, request)
  }
}

/**
 * A commit that a healthy store answers gives up only after so many conflicts, or when the loop has had its time: a
 * stall of the process is not the work of other writers.
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

/** The saves of one record by one process follow one another, and end when their time is over. */
function checkTime({ plan, memcached, requests }: Run): void {
  if (plan.order !== 'time' || plan.failing > 0 || plan.taken > 0 || plan.rotates) return
  // A move goes on as a save when another one was faster, and has its time again.
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

/** A try begins with a load. How long the app's asynchronous schema then takes is not the core's to bound. */
function loadedAt({ sent }: Run['memcached'], { process, id, step, time }: Sent): number {
  const load = sent.findLast(
    (each) =>
      each.command === 'load' && each.process === process && each.id === id && each.step < step,
  )
  return load?.time ?? time
}

/** What each outcome costs at most beside the load, without a subject. */
const costs: Readonly<Record<string, number>> = {
  // The first use of a token that a rotation gave out is written down.
  unchanged: 1,
  discarded: 0,
  moved: 0,
  created: 1,
  saved: 1,
  renewed: 2,
  rotated: 4,
  destroyed: 1,
}

/** A command may fail, or find something else than what a request has left. */
const isHampered = ({ failing, taken, chaos, secrets, requests }: Plan): boolean =>
  failing > 0 ||
  taken > 0 ||
  isOutOfOrder({ secrets }) ||
  requests.some(({ isIdle }) => isIdle) ||
  chaos.some((each) => each !== 'stall')

/** A request that no other one meets needs no more commands than these. */
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
  // The forward is followed, and gets its own seconds back.
  const toFollow = id === tokenId ? 0 : 2
  // Before its token is told again, the core looks whether it is still the session's.
  const toTell = outcome === 'unchanged' && committed?.cookie ? 1 : 0
  const most = (token === null ? 0 : 1) + toFollow + base + toTell
  if (sent.length - ofLists.length > most)
    fail(request, `needed ${sent.length - ofLists.length} commands, and ${most} are enough`)
  const mostOfLists = listCost(request)
  if (ofLists.length > mostOfLists)
    fail(request, `needed ${ofLists.length} commands for the list, and ${mostOfLists} are enough`)
}

/** A read of the list with the session, and two commands for each change: in, out, or when it was last used. */
function listCost({ subject, plan, outcome }: RequestLog): number {
  const isSignIn = plan.intent === 'login' && (outcome === 'created' || outcome === 'renewed')
  const isListed = subject !== null
  return (isListed ? 3 : 0) + (isSignIn ? 2 : 0)
}
