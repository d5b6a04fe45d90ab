import type { Order } from './schedule.ts'
import type { ModelSchema } from './model-schema.ts'

/** What a request does to the data, each with keys of its own, so that a record shows which requests are in it. */
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
  // Only where there is a schema: it refuses what they make, at once or together with another's.
  | 'refused'
  | 'crowd'

export interface RequestPlan {
  readonly at: number
  readonly process: number
  /** Whose browser it comes from. */
  readonly visitor: number
  /** Which cookie it sends: the browser's current one, one that the browser once had, or no cookie. */
  readonly cookie: 'current' | 'old' | 'none'
  /** It sends the token in the cookie of before. */
  readonly isFormer: boolean
  /** It starts when this one has ended; -1: whenever the schedule has it start. */
  readonly after: number
  /** Every request that writes also adds to `n`, the mark that it is in. */
  readonly writes: boolean
  readonly effects: ReadonlySet<Effect>
  /** `login` calls `signIn`. */
  readonly intent: 'keep' | 'renew' | 'login' | 'destroy' | 'discard'
  /** Calls `sessions.destroy(cookie)` or `sessions.revoke(subject)` instead, and nothing else. */
  readonly direct: 'destroy' | 'revoke' | null
  /** Half an hour passes before it starts. */
  readonly isIdle: boolean
  /** Stops in the handler, so that others overtake it. */
  readonly pauses: number
  /** Puts in so much that the record of two of them is too large. */
  readonly large: boolean
  /** The browser never gets the answer. */
  readonly isAnswerLost: boolean
  readonly answer: AnswerKind
}

/**
 * What the handler answers with: one of three responses that the run has once, for all requests; the second one
 * cannot be changed, and the third one is thrown. `unusable`: what cannot be sent, after a `renew`. Then all that the
 * handler did is dropped, except for a sign-out.
 */
export type AnswerKind = 'plain' | 'fixed' | 'thrown' | 'unusable'

/** `stall`: the clock jumps, while commands are under way. */
export type Chaos = 'stall' | 'age' | 'expire' | 'evict' | 'flush' | 'restart'

/**
 * Which secrets a process has. `old`: the one that all had before the rotation of secrets; `both`: the new one as well,
 * which seals nothing yet; `new`: both, and the new one seals.
 */
export type Secrets = 'old' | 'both' | 'new'

export interface Plan {
  readonly order: Order
  readonly processes: number
  readonly requests: readonly RequestPlan[]
  readonly chaos: readonly Chaos[]
  readonly failing: number
  /** How often an id that is to be created is taken already, from 0 to 1. */
  readonly taken: number
  /** Tokens rotate after a minute. */
  readonly rotates: boolean
  /** A command fails because the store is set up wrongly: now and then, where commands fail. */
  readonly isSetUpWrongly: boolean
  readonly sealed: boolean
  /** The secrets of each process. Not `old` alone, unless records are sealed. */
  readonly secrets: readonly Secrets[]
  readonly schema: ModelSchema | null
  /** Responses say the outcome, in `Server-Timing`. */
  readonly explains: boolean
  /** The token of the first request is due when the others begin. */
  readonly isDue: boolean
  /** How many sessions the subject may have. */
  readonly limit: number
}

/** The subject of every sign-in. */
export const subject = 'ada'

/** More would not fit the digits of `n`: see data.ts. */
export const maxRequests = 9

/** Whether a process may meet records that another one sealed with a secret that it does not have. */
export function isOutOfOrder({ secrets }: Pick<Plan, 'secrets'>): boolean {
  return secrets.includes('old') && secrets.includes('new')
}
