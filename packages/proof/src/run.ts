import type { Committed, SessionEvent, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import type { FakeMemcached } from './fake-memcached.ts'
import type { Plan, RequestPlan } from './plan.ts'
import type { Prng } from './prng.ts'
import type { Schedule } from './schedule.ts'
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
  openedTime: number
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

/** The log of a request that starts now. */
export function beginLog(plan: RequestPlan, schedule: Schedule, token: string | null): RequestLog {
  return {
    plan,
    startedAt: schedule.step(),
    startTime: schedule.now(),
    tokenId: null,
    token,
    openedAt: 0,
    openedTime: 0,
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

/** What a run is made of while it goes on. */
export interface World {
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

/** Of the cookie of before: the app has renamed it. */
export const formerName = 'sid'
