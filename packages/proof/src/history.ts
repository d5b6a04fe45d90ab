/** One operation of one worker on one session. Times in milliseconds, on a clock that all processes share. */
export interface HistoryOp {
  readonly session: number
  /**
   * The name of a separate session, started by a sign-in that found its session moved or ended. `null`: the original
   * session, under all its tokens.
   */
  readonly branch: string | null
  /** The beginning of the token that was sent; `''` for none. */
  readonly token: string
  readonly openStart: number
  readonly openEnd: number
  readonly state: 'live' | 'new' | 'unavailable' | 'unproven'
  /** The id that was loaded, and the session's id afterwards. */
  readonly id: string | null
  readonly newId: string | null
  /** The session's name in its subject's list when it was loaded; `null` without a sign-in. */
  readonly ref: string | null
  /** The values it saw, by key. */
  readonly seen: Readonly<Record<string, string>>
  readonly count: number
  readonly commitStart: number
  readonly commitEnd: number
  readonly intent: Intent
  /** The key and unique value that it wrote. Each write also adds 1 to the count. */
  readonly key: string
  readonly value: string
  /** The commit's outcome, or the result of the call: `revoked`, `nothing to revoke`, `unconfirmed`. */
  readonly outcome: string
  /** The beginning of the token in its response. */
  readonly newToken: string | null
}

/** `revoke` and `end` are calls for the session's subject; `create` is a session's first request. */
export type Intent =
  'create' | 'read' | 'write' | 'renew' | 'sign-in' | 'destroy' | 'revoke' | 'end'

/** The history of one run's sessions. */
export interface History {
  readonly ops: readonly HistoryOp[]
  /** The initial value of every key of every session. */
  readonly initial: (session: number, key: string) => string
  readonly keys: readonly string[]
  /** When the server was emptied. */
  readonly wipes: readonly number[]
  /** Whether the run had outages. */
  readonly chaos: boolean
}

export const historyKeys = ['a', 'b', 'c', 'd'] as const

export const initialValue = (session: number, key: string): string => `${session}/first/${key}`

/** The account of all sign-ins of one session. */
export const subjectOf = (session: number): string => `user ${session}`

/** The part of a cookie's token that a history contains. */
export const tokenOf = (cookie: string): string => cookie.slice(cookie.indexOf('=') + 1, -20)

/** CLOCK_MONOTONIC in milliseconds, which all processes of a machine share. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6
