import { createSessions } from '@coatcheck/core'
import type { Committed, LazySession, Session, SessionEvent, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import { apply, maxBytes, merge } from './data.ts'
import { createForeignRecord } from './foreign-record.ts'
import { createFakeMemcached } from './fake-memcached.ts'
import type { FakeMemcached, Semantics } from './fake-memcached.ts'
import { createSchema, defaultsOf, formerKey, toFormer } from './model-schema.ts'
import type { Chaos, Plan, RequestPlan, Secrets } from './plan.ts'
import { createPlan, subject } from './plan.ts'
import type { Prng } from './prng.ts'
import { createPrng } from './prng.ts'
import type { Schedule } from './schedule.ts'
import { createSchedule } from './schedule.ts'
import { createSharedAnswers, createUnusable } from './shared-answers.ts'
import type { SharedAnswers } from './shared-answers.ts'

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
  /** Whether it saw what the schema drops. */
  sawFormer: boolean
  committingAt: number
  committingTime: number
  /** By `loopTime` of the schedule. */
  committingLoopTime: number
  endedAt: number
  endTime: number
  endLoopTime: number
  /** When the browser had the answer; Infinity: it was lost. */
  answeredAt: number
  /** The commit's, or `threw CODE`. */
  outcome: string
  committed: Committed | null
  /** The session's id after a create or renew. */
  newId: string | null
  /** What the browser is sent; `null`: an error. */
  answer: Response | null
  /** What the handler returned was refused. */
  isRefused: boolean
}

/** One run, for the laws to judge. */
export interface Run {
  readonly plan: Plan
  readonly requests: readonly RequestLog[]
  readonly memcached: FakeMemcached
  readonly schedule: Schedule
  /** The tokens that were issued, by id. */
  readonly tokens: ReadonlyMap<string, string>
  /** Every 32 random bytes as a token: also those that no browser was told. Only where records are sealed. */
  readonly candidates: readonly string[]
  /** One for each visitor. */
  readonly browsers: readonly { readonly current: string | null }[]
  /** The ids whose tokens lead to a session when all requests have ended. Only where requests sign in. */
  readonly alive: ReadonlySet<string>
  /** How many sessions of the subject are listed then; `null`: it was not asked. */
  readonly listed: number | null
  readonly shared: SharedAnswers
  readonly events: readonly Heard[]
}

/** An event that a process emitted. */
export interface Heard {
  readonly step: number
  readonly process: number
  readonly event: SessionEvent
}

interface World {
  readonly prng: Prng
  readonly plan: Plan
  readonly schedule: Schedule
  readonly memcached: FakeMemcached
  readonly processes: Sessions<Data>[]
  readonly browsers: readonly { current: string | null; readonly had: string[] }[]
  readonly tokens: Map<string, string>
  readonly candidates: string[]
  readonly requests: RequestLog[]
  readonly ended: Promise<void>[]
  readonly alive: Set<string>
  listed: number | null
  readonly shared: SharedAnswers
  readonly events: Heard[]
}

export const cookieName = '__Host-Http-sid'

const oldSecret = 'a secret that only the proof uses'
const newSecret = 'the secret that comes after that one'

/** The secrets by the name of what a process has, newest first. */
export const secretsOf: Readonly<Record<Secrets, readonly string[]>> = {
  old: [oldSecret],
  both: [oldSecret, newSecret],
  new: [newSecret, oldSecret],
}

/** Carries out the run of a seed: one or two browsers, some processes, one memcached. */
export async function runWorld(
  seed: number,
  semantics: Semantics,
  trace: (line: string) => void,
): Promise<Run> {
  const prng = createPrng(seed)
  const plan = createPlan(prng)
  const schedule = createSchedule(prng, trace, plan.order)
  let failing = 0
  const memcached = createFakeMemcached({
    prng,
    schedule,
    semantics,
    failing: () => failing,
    isSetUpWrongly: plan.isSetUpWrongly,
    foreignRecord: await createForeignRecord(),
    taken: plan.taken,
  })
  const world: World = {
    prng,
    plan,
    schedule,
    memcached,
    processes: [],
    browsers: [
      { current: null, had: [] },
      { current: null, had: [] },
    ],
    tokens: new Map(),
    candidates: [],
    requests: [],
    ended: [],
    alive: new Set(),
    listed: null,
    shared: createSharedAnswers(),
    events: [],
  }
  for (let at = 0; at < plan.processes; at++) world.processes.push(connect(world, at))
  const [first, ...others] = plan.requests
  start(world, first as RequestPlan)
  await schedule.run()
  if (plan.isDue) schedule.stall(61_000)
  failing = plan.failing
  for (const request of others) start(world, request)
  for (const chaos of plan.chaos) schedule.add(chaos, () => strike(world, chaos))
  await schedule.run()
  failing = 0
  if (plan.requests.some(({ intent }) => intent === 'login')) await findAlive(world)
  return world
}

/** Opens every token that was issued, and changes nothing. */
async function findAlive(world: World): Promise<void> {
  const { plan, processes, tokens, alive, schedule } = world
  const knowing = processes[plan.secrets.findIndex((secrets) => secrets !== 'old')]
  const sessions = knowing ?? (processes[0] as Sessions<Data>)
  void sessions.list(subject).then(({ length }) => (world.listed = length))
  for (const [id, token] of tokens) {
    void sessions.open(`${cookieName}=${token}`, { touch: false }).then(({ session }) => {
      if (session.state === 'live' && session.id === id) alive.add(id)
    })
  }
  await schedule.run()
}

function connect(world: World, at: number): Sessions<Data> {
  const { plan, prng, schedule, memcached, candidates } = world
  const { schema, sealed, secrets, rotates } = plan
  const later = (): Promise<void> => schedule.point('schema')
  return createSessions<Data>({
    store: { ...memcached.connect(), inProcess: !sealed },
    secrets: secretsOf[secrets[at] as Secrets],
    merge,
    maxBytes,
    explain: plan.explains,
    ...(rotates ? { lifetime: { rotate: 60 } } : {}),
    ...(schema === null ? {} : { schema: createSchema(schema, later) }),
    sessionsPerSubject: plan.limit,
    onEvent: (event) => listen(world, at, event),
    testing: {
      now: schedule.now,
      random(bytes) {
        prng.fill(bytes)
        if (sealed && bytes.length === 32) candidates.push(Buffer.from(bytes).toString('base64url'))
      },
      wait: (milliseconds) => schedule.point('waited', milliseconds),
    },
  })
}

const brokenListener = new Error('the listener is broken')

/** A listener that throws in one process, and rejects in the next. */
function listen({ events, schedule }: World, at: number, event: SessionEvent): void {
  events.push({ step: schedule.step(), process: at, event })
  if (at % 2 === 0) throw brokenListener
  return Promise.reject(brokenListener) as unknown as void
}

function start(world: World, plan: RequestPlan): void {
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
  const cookie = log.token === null ? '' : `${cookieName}=${log.token}`
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

/** The first request is one of a former release, without a schema, where the schema carries shapes over. */
function sessionsFor(
  { plan, processes, ...world }: World,
  { at, process }: RequestPlan,
): Sessions<Data> {
  const isFormer = at === 0 && plan.schema?.carries === true
  if (!isFormer) return processes[process] as Sessions<Data>
  return connect({ ...world, processes, plan: { ...plan, schema: null } }, process)
}

function end({ schedule }: World, log: RequestLog): void {
  log.endedAt = schedule.step()
  log.endTime = schedule.now()
  log.endLoopTime = schedule.loopTime()
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
    sawFormer: false,
    committingAt: 0,
    committingTime: 0,
    committingLoopTime: 0,
    endedAt: 0,
    endTime: 0,
    endLoopTime: 0,
    answeredAt: Infinity,
    outcome: '',
    committed: null,
    newId: null,
    answer: null,
    isRefused: false,
  }
}

function chooseToken({ browsers, prng }: World, { cookie, visitor }: RequestPlan): string | null {
  if (cookie === 'none') return null
  const { had, current } = browsers[visitor] as World['browsers'][number]
  return cookie === 'old' && had.length > 0 ? prng.pick(had) : current
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

/** The handler. */
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
  if (intent === 'login') session.signIn(subject)
  else if (intent === 'destroy')
    session.destroy(plan.at % 2 === 0 ? {} : { clearSiteData: ['cookies'] })
  else if (intent === 'renew' || plan.answer === 'unusable') session.renew()
  else if (intent === 'discard') session.discard()
}

function conclude(world: World, log: RequestLog, committed: Committed): void {
  log.committed = committed
  log.outcome = committed.outcome
  end(world, log)
  const token = committed.cookie?.value
  if (token && log.newId !== null) world.tokens.set(log.newId, token)
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

function idOfToken({ tokens }: World, token: string | null): string | null {
  for (const [id, each] of tokens) if (each === token) return id
  return null
}

function strike({ prng, memcached, schedule }: World, chaos: Chaos): void {
  switch (chaos) {
    case 'stall':
      return schedule.stall(1100)
    case 'age':
      return schedule.stall(61_000)
    case 'expire':
      return schedule.stall(prng.pick([1_800_000, 3_600_000, 3_700_000, 86_400_000]))
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
