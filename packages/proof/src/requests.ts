import type { Committed, LazySession, Session, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { apply } from './data.ts'
import { defaultsOf, formerKey, toFormer } from './model-schema.ts'
import type { RequestPlan } from './plan.ts'
import { subject } from './plan.ts'
import { connect } from './processes.ts'
import { beginLog, cookieName, formerName } from './run.ts'
import type { RequestLog, World } from './run.ts'
import { createUnusable } from './shared-answers.ts'

/** Starts a request. */
export function start(world: World, plan: RequestPlan): void {
  world.ended.push(perform(world, plan))
}

async function perform(world: World, plan: RequestPlan): Promise<void> {
  const { schedule, requests } = world
  if (plan.after >= 0) await world.ended[plan.after]
  if (plan.isIdle) schedule.stall(1_800_000)
  await schedule.point(`request ${plan.at} starts`)
  const log = beginLog(plan, schedule, chooseToken(world, plan))
  log.tokenId = idOfToken(world, log.token)
  requests.push(log)
  const sessions = sessionsFor(world, plan)
  const cookie = log.token === null ? '' : `${plan.isFormer ? formerName : cookieName}=${log.token}`
  try {
    if (plan.direct === 'destroy') await destroyDirectly(world, log, sessions, cookie)
    else if (plan.direct === 'revoke') await revoke(world, log, sessions)
    else await visit(world, log, sessions.lazy(cookie))
  } catch (error) {
    log.outcome = `threw ${String((error as { code?: unknown }).code ?? error)}`
    end(world, log)
  }
  await schedule.point(`answer ${plan.at} ${log.outcome}`)
  if (!plan.isAnswerLost) keepCookie(world, log)
}

/** If the schema converts former shapes, the first request belongs to the former release without a schema. */
function sessionsFor(
  { plan, processes, ...world }: World,
  { at, process }: RequestPlan,
): Sessions<Data> {
  const isFormer = at === 0 && plan.schema?.carries === true
  if (!isFormer) return processes[process] as Sessions<Data>
  return connect({ ...world, processes, plan: { ...plan, schema: null } }, process)
}

function chooseToken({ browsers, prng }: World, { cookie, visitor }: RequestPlan): string | null {
  if (cookie === 'none') return null
  const { had, current } = browsers[visitor] as World['browsers'][number]
  return cookie === 'old' && had.length > 0 ? prng.pick(had) : current
}

function idOfToken({ tokens }: World, token: string | null): string | null {
  for (const [id, each] of tokens) if (each === token) return id
  return null
}

async function visit(world: World, log: RequestLog, lazy: LazySession<Data>): Promise<void> {
  try {
    log.answer = await lazy.around(async () => respond(world, log, await lazy.get()))
  } catch (thrown) {
    log.isRefused = log.plan.answer === 'unusable' && thrown instanceof TypeError
    if (thrown instanceof Response) log.answer = thrown
    else if (!log.isRefused) throw thrown
  }
  const session = await lazy.get()
  log.newId = session.id
  conclude(world, log, (await lazy.end()) as Committed)
}

async function respond(world: World, log: RequestLog, session: Session<Data>): Promise<Response> {
  const { schedule, shared } = world
  const { plan } = log
  noteOpened(world, log, session)
  for (let pause = 0; pause < plan.pauses; pause++) await schedule.point(`handler ${plan.at}`)
  change(world, log, session)
  beginCommit(world, log)
  if (plan.answer === 'unusable') return createUnusable(plan.at)
  if (plan.answer === 'thrown') throw shared.thrown
  return shared[plan.answer]
}

function noteOpened({ schedule }: World, log: RequestLog, session: Session<Data>): void {
  log.openedAt = schedule.step()
  log.openedTime = schedule.now()
  log.state = session.state
  log.id = session.state === 'live' ? session.id : log.tokenId
  log.seen = session.data['n']
  log.sawFormer = Object.keys(session.data).some((key) => key.startsWith(formerKey))
  log.subject = session.subject
}

function change({ plan: run }: World, log: RequestLog, session: Session<Data>): void {
  const { plan } = log
  const isFormer = plan.at === 0 && run.schema?.carries === true
  const data: Data = isFormer ? defaultsOf() : session.data
  const { shared } = data
  apply(data, plan, run.requests, session.state !== 'live')
  if (data['shared'] !== shared) log.shared = data['shared']
  if (isFormer) Object.assign(session.data, toFormer(data))
  const { intent } = plan
  if (intent === 'login' && plan.hasSubject) session.signIn(subject)
  else if (intent === 'login') session.renew({ withoutSubject: true })
  else if (intent === 'destroy')
    session.destroy(plan.at % 2 === 0 ? {} : { clearSiteData: ['cookies'] })
  else if (intent === 'renew' || plan.answer === 'unusable') session.renew()
  else if (intent === 'discard') session.discard()
}

async function destroyDirectly(
  world: World,
  log: RequestLog,
  sessions: Sessions<Data>,
  cookie: string,
): Promise<void> {
  beginCommit(world, log)
  log.id = log.tokenId
  const committed = await sessions.destroy(cookie)
  log.answer = committed.applyTo(world.shared.plain)
  conclude(world, log, committed)
}

async function revoke(world: World, log: RequestLog, sessions: Sessions<Data>): Promise<void> {
  beginCommit(world, log)
  const outcome = await sessions.revoke(subject)
  log.outcome = outcome === 'gone' ? 'no list' : outcome
  end(world, log)
}

function beginCommit({ schedule }: World, log: RequestLog): void {
  log.committingAt = schedule.step()
  log.committingTime = schedule.now()
  log.committingLoopTime = schedule.loopTime()
}

function conclude(world: World, log: RequestLog, committed: Committed): void {
  log.committed = committed
  log.outcome = committed.outcome
  end(world, log)
  const token = committed.cookie?.value
  if (token && log.newId !== null) world.tokens.set(log.newId, token)
}

function end({ schedule }: World, log: RequestLog): void {
  log.endedAt = schedule.step()
  log.endTime = schedule.now()
  log.endLoopTime = schedule.loopTime()
}

function keepCookie({ browsers, schedule }: World, log: RequestLog): void {
  const { committed } = log
  const browser = browsers[log.plan.visitor] as World['browsers'][number]
  log.answeredAt = schedule.step()
  const cookie = committed?.cookie ?? null
  if (cookie === null) return
  browser.current = cookie.value === '' ? null : cookie.value
  if (cookie.value !== '') browser.had.push(cookie.value)
}
