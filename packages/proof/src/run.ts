import type { Committed, SessionEvent, Sessions } from '@coatcheck/core'
import type { Data } from './data.ts'
import type { FakeMemcached } from './fake-memcached.ts'
import type { Plan, RequestPlan } from './plan.ts'
import type { Prng } from './prng.ts'
import type { Schedule } from './schedule.ts'
import type { SharedAnswers } from './shared-answers.ts'

/** What one request saw and did, with the steps. */
export interface RequestLog {
  readonly plan: RequestPlan
  readonly startedAt: number
  readonly startTime: number
  readonly token: string | null
  /** The id of the token. */
  tokenId: string | null
  openedAt: number
  openedTime: number
  state: string
  id: string | null
  /** The value of `n` that the handler first saw. Other keys stay undecoded unless it changes them. */
  seen: unknown
  /** The account of the loaded session. */
  subject: string | null
  /** The value it gave `shared`; `untouched` if it did not change it. */
  shared: unknown
  /** Whether it saw a key that the schema drops. */
  sawFormer: boolean
  committingAt: number
  committingTime: number
  /** By the schedule's `loopTime`. */
  committingLoopTime: number
  endedAt: number
  endTime: number
  endLoopTime: number
  /** When the browser received the response; Infinity if it was lost. */
  answeredAt: number
  /** The commit's outcome, or `threw CODE`. */
  outcome: string
  committed: Committed | null
  /** The session's id after a create or renew. */
  newId: string | null
  /** The response sent to the browser; `null` for an error. */
  answer: Response | null
  /** Whether the handler's response was refused. */
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

/** One run, to be checked by the laws. */
export interface Run {
  readonly plan: Plan
  readonly requests: readonly RequestLog[]
  readonly memcached: FakeMemcached
  readonly schedule: Schedule
  /** The issued tokens, by id. */
  readonly tokens: ReadonlyMap<string, string>
  /** All 32-byte random values as tokens, including those never sent to a browser. Only if records are sealed. */
  readonly candidates: readonly string[]
  /** One for each visitor. */
  readonly browsers: readonly { readonly current: string | null }[]
  /** The ids whose tokens lead to a session once all requests have ended. Only if requests sign in. */
  readonly alive: ReadonlySet<string>
  /** The number of sessions listed for the subject at that time; `null` if not queried. */
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

/** The state of a run in progress. */
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

/** The name of the former cookie, before the app renamed it. */
export const formerName = 'sid'
