import { createSessions } from '@coatcheck/core'
import type { Committed, Opened, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { apply, maxBytes, merge } from './data.ts'
import { createForeignRecord } from './foreign-record.ts'
import { createFakeMemcached } from './fake-memcached.ts'
import type { FakeMemcached, Semantics } from './fake-memcached.ts'
import type { Chaos, Plan, RequestPlan } from './plan.ts'
import { createPlan, subject } from './plan.ts'
import type { Prng } from './prng.ts'
import { createPrng } from './prng.ts'
import type { Schedule } from './schedule.ts'
import { createSchedule } from './schedule.ts'

/** What one request saw and its result, each with its step. */
export interface RequestLog {
  readonly plan: RequestPlan
  readonly startedAt: number
  readonly startTime: number
  readonly token: string | null
  /** The id that the token leads to. */
  tokenId: string | null
  openedAt: number
  state: string
  id: string | null
  /** What the handler first saw under `n`. The other keys stay undecoded, unless it changes them. */
  seen: unknown
  /** The account that the session was loaded with. */
  subject: string | null
  /** What it made of `shared`; `untouched`, if it left it as it was. */
  shared: unknown
  committingAt: number
  endedAt: number
  endTime: number
  /** When the browser had the answer; Infinity: it was lost. */
  answeredAt: number
  /** The commit's, or `threw CODE`. */
  outcome: string
  committed: Committed | null
  /** The session's id after a create or renew. */
  newId: string | null
}

/** One run, for the laws to judge. */
export interface Run {
  readonly plan: Plan
  readonly requests: readonly RequestLog[]
  readonly memcached: FakeMemcached
  readonly schedule: Schedule
  /** The tokens that were issued, by id. */
  readonly tokens: ReadonlyMap<string, string>
  readonly browser: { readonly current: string | null }
  /** The ids whose tokens lead to a session when all requests have ended. Only where the subject has a limit. */
  readonly alive: ReadonlySet<string>
}

interface World {
  readonly prng: Prng
  readonly plan: Plan
  readonly schedule: Schedule
  readonly memcached: FakeMemcached
  readonly processes: readonly Sessions<Data>[]
  readonly browser: { current: string | null; readonly had: string[] }
  readonly tokens: Map<string, string>
  readonly requests: RequestLog[]
  readonly ended: Promise<void>[]
  readonly alive: Set<string>
}

export const cookieName = '__Host-Http-sid'
export const secrets = ['a secret that only the proof uses']

/** Carries out the run of a seed: one browser, some processes, one memcached. */
export async function runWorld(
  seed: number,
  semantics: Semantics,
  trace: (line: string) => void,
): Promise<Run> {
  const prng = createPrng(seed)
  const plan = createPlan(prng)
  // In one of 20 runs commands are so slow that a commit gives up for want of time.
  const schedule = createSchedule(prng, trace, seed % 20 === 0 ? 150 : 1)
  let failing = 0
  const memcached = createFakeMemcached({
    prng,
    schedule,
    semantics,
    failing: () => failing,
    foreignRecord: await createForeignRecord(),
    taken: plan.taken,
  })
  const processes = Array.from({ length: plan.processes }, () =>
    connect(plan, prng, schedule, memcached),
  )
  const browser = { current: null, had: [] }
  const tokens = new Map<string, string>()
  const world: World = {
    prng,
    plan,
    schedule,
    memcached,
    processes,
    browser,
    tokens,
    requests: [],
    ended: [],
    alive: new Set(),
  }
  const [first, ...others] = plan.requests
  start(world, first as RequestPlan)
  await schedule.run()
  if (plan.isDue) schedule.advance(61_000)
  failing = plan.failing
  for (const request of others) start(world, request)
  for (const chaos of plan.chaos) schedule.add(chaos, () => strike(world, chaos))
  await schedule.run()
  failing = 0
  if (plan.limit < 100) await findAlive(world)
  return world
}

/** Opens every token that was issued, and changes nothing. */
async function findAlive({ processes, tokens, alive, schedule }: World): Promise<void> {
  const [sessions] = processes as [Sessions<Data>]
  for (const [id, token] of tokens) {
    void sessions.open(`${cookieName}=${token}`, { touch: false }).then(({ session }) => {
      if (session.state === 'live' && session.id === id) alive.add(id)
    })
  }
  await schedule.run()
}

function connect(
  plan: Plan,
  prng: Prng,
  schedule: Schedule,
  memcached: FakeMemcached,
): Sessions<Data> {
  return createSessions<Data>({
    store: { ...memcached.connect(), inProcess: !plan.sealed },
    secrets,
    merge,
    maxBytes,
    ...(plan.rotates ? { lifetime: { rotate: 60 } } : {}),
    sessionsPerSubject: plan.limit,
    testing: {
      now: schedule.now,
      random: (bytes) => prng.fill(bytes),
      wait: (milliseconds) => schedule.point('waited', milliseconds),
    },
  })
}

function start(world: World, plan: RequestPlan): void {
  world.ended.push(perform(world, plan))
}

async function perform(world: World, plan: RequestPlan): Promise<void> {
  const { schedule, requests } = world
  if (plan.after >= 0) await world.ended[plan.after]
  await schedule.point(`request ${plan.at} starts`)
  const log = beginLog(plan, schedule, chooseToken(world, plan))
  log.tokenId = idOfToken(world, log.token)
  requests.push(log)
  const sessions = world.processes[plan.process] as Sessions<Data>
  const cookie = log.token === null ? '' : `${cookieName}=${log.token}`
  try {
    if (plan.direct === 'destroy') await destroyDirectly(world, log, sessions, cookie)
    else if (plan.direct === 'revoke') await revoke(world, log, sessions)
    else await openAndCommit(world, log, await sessions.open(cookie))
  } catch (error) {
    log.outcome = `threw ${String((error as { code?: unknown }).code ?? error)}`
    end(world, log)
  }
  await schedule.point(`answer ${plan.at} ${log.outcome}`)
  if (!plan.isAnswerLost) keepCookie(world, log)
}

function end({ schedule }: World, log: RequestLog): void {
  log.endedAt = schedule.step()
  log.endTime = schedule.now()
}

function beginLog(plan: RequestPlan, schedule: Schedule, token: string | null): RequestLog {
  return {
    plan,
    startedAt: schedule.step(),
    startTime: schedule.now(),
    tokenId: null,
    token,
    openedAt: 0,
    state: '',
    id: null,
    seen: undefined,
    subject: null,
    shared: 'untouched',
    committingAt: 0,
    endedAt: 0,
    endTime: 0,
    answeredAt: Infinity,
    outcome: '',
    committed: null,
    newId: null,
  }
}

function chooseToken({ browser, prng }: World, { cookie }: RequestPlan): string | null {
  if (cookie === 'none') return null
  return cookie === 'old' && browser.had.length > 0 ? prng.pick(browser.had) : browser.current
}

async function destroyDirectly(
  world: World,
  log: RequestLog,
  sessions: Sessions<Data>,
  cookie: string,
): Promise<void> {
  log.committingAt = world.schedule.step()
  log.id = log.tokenId
  conclude(world, log, await sessions.destroy(cookie))
}

async function revoke(world: World, log: RequestLog, sessions: Sessions<Data>): Promise<void> {
  log.committingAt = world.schedule.step()
  const outcome = await sessions.revoke(subject)
  log.outcome = outcome === 'gone' ? 'no list' : outcome
  end(world, log)
}

async function openAndCommit(world: World, log: RequestLog, opened: Opened<Data>): Promise<void> {
  const {
    schedule,
    plan: { requests },
  } = world
  const { plan } = log
  const { session, commit } = opened
  log.openedAt = schedule.step()
  log.state = session.state
  log.id = session.state === 'new' ? log.tokenId : session.id
  if (session.state === 'unavailable') log.id = log.tokenId
  log.seen = session.data['n']
  log.subject = session.subject
  for (let pause = 0; pause < plan.pauses; pause++) await schedule.point(`handler ${plan.at}`)
  const { shared } = session.data
  apply(session.data, plan, requests)
  if (session.data['shared'] !== shared) log.shared = session.data['shared']
  if (plan.intent === 'login') session.signIn(subject)
  else if (plan.intent !== 'keep') session[plan.intent]()
  log.committingAt = schedule.step()
  const committed = await commit()
  log.newId = session.id
  conclude(world, log, committed)
}

function conclude(world: World, log: RequestLog, committed: Committed): void {
  log.committed = committed
  log.outcome = committed.outcome
  end(world, log)
  const token = committed.cookie?.value
  if (token && log.newId !== null) world.tokens.set(log.newId, token)
}

function keepCookie({ browser, schedule }: World, log: RequestLog): void {
  const { committed } = log
  log.answeredAt = schedule.step()
  const cookie = committed?.cookie ?? null
  if (cookie === null) return
  browser.current = cookie.value === '' ? null : cookie.value
  if (cookie.value !== '') browser.had.push(cookie.value)
}

function idOfToken({ tokens }: World, token: string | null): string | null {
  for (const [id, each] of tokens) if (each === token) return id
  return null
}

function strike({ prng, memcached, schedule }: World, chaos: Chaos): void {
  switch (chaos) {
    case 'skip':
      return schedule.advance(1100)
    case 'age':
      return schedule.advance(61_000)
    case 'expire':
      return schedule.advance(prng.pick([1_800_000, 3_600_000, 3_700_000, 86_400_000]))
    case 'evict': {
      const live = memcached.live()
      return live.length > 0 ? memcached.evict(prng.pick(live)) : undefined
    }
    case 'flush':
      return memcached.flush()
    case 'restart':
      return memcached.restart()
  }
}
