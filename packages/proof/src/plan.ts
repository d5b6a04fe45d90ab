import type { Order } from './schedule.ts'
import type { ModelSchema } from './model-schema.ts'

/** The effects of a request on the data, each with its own keys, so that a record shows which requests are in it. */
export type Effect =
  | 'own'
  | 'list'
  | 'unlist'
  | 'cart'
  | 'uncart'
  | 'high'
  | 'shared'
  | 'unshared'
  | 'forget'
  // Only with a schema, which refuses these values at once, or together with another's.
  | 'refused'
  | 'crowd'

export interface RequestPlan {
  readonly at: number
  readonly process: number
  /** The visitor whose browser sends it. */
  readonly visitor: number
  /** The cookie that it sends: the browser's current one, an earlier one, or none. */
  readonly cookie: 'current' | 'old' | 'none'
  /** Sends the token in the former cookie. */
  readonly isFormer: boolean
  /** Starts when this request has ended; -1: when the schedule decides. */
  readonly after: number
  /** Every request that writes also adds to `n`, which marks that it was applied. */
  readonly writes: boolean
  readonly effects: ReadonlySet<Effect>
  /** `login` calls `signIn`, or `renew` with `withoutSubject`. */
  readonly intent: 'keep' | 'renew' | 'login' | 'destroy' | 'discard'
  /** For `login`. */
  readonly hasSubject: boolean
  /** Only calls `sessions.destroy(cookie)` or `sessions.revoke(subject)` instead. */
  readonly direct: 'destroy' | 'revoke' | null
  /** Half an hour passes before it starts. */
  readonly isIdle: boolean
  /** The number of pauses in the handler, during which others can overtake it. */
  readonly pauses: number
  /** Adds so much data that a record with two of them is too large. */
  readonly large: boolean
  /** The browser never gets the response. */
  readonly isAnswerLost: boolean
  readonly answer: AnswerKind
}

/**
 * The handler's response: one of three that all requests of a run share; the second is immutable, the third is thrown.
 * `unusable`: a response that cannot be sent, after a `renew`. Then all the handler's changes are dropped, except for a
 * sign-out.
 */
export type AnswerKind = 'plain' | 'fixed' | 'thrown' | 'unusable'

/** `stall`: the clock jumps while commands are in progress. */
export type Chaos = 'stall' | 'age' | 'expire' | 'evict' | 'flush' | 'restart'

/**
 * The secrets of a process. `old`: the one before the rotation of secrets; `both`: also the new one, which does not
 * seal yet; `new`: both, and the new one seals.
 */
export type Secrets = 'old' | 'both' | 'new'

export interface Plan {
  readonly order: Order
  readonly processes: number
  readonly requests: readonly RequestPlan[]
  readonly chaos: readonly Chaos[]
  readonly failing: number
  /** The probability that the id of a new record is taken, from 0 to 1. */
  readonly taken: number
  /** Whether tokens rotate after a minute. */
  readonly rotates: boolean
  /** Whether some of the failing commands fail with a configuration error. */
  readonly isSetUpWrongly: boolean
  readonly sealed: boolean
  /** The secrets of each process. Not only `old`, unless records are sealed. */
  readonly secrets: readonly Secrets[]
  readonly schema: ModelSchema | null
  /** Whether responses report the outcome in `Server-Timing`. */
  readonly explains: boolean
  /** Whether the first request's token is due when the others begin. */
  readonly isDue: boolean
  /** The maximum number of sessions of the subject. */
  readonly limit: number
}

/** The subject of every sign-in. */
export const subject = 'ada'

/** More would not fit into the digits of `n`: see data.ts. */
export const maxRequests = 9

/** Whether a process may find records that another one sealed with a secret that it does not have. */
export function isOutOfOrder({ secrets }: Pick<Plan, 'secrets'>): boolean {
  return secrets.includes('old') && secrets.includes('new')
}
