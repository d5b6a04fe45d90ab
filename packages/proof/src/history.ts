/** What one worker did with one session, by a clock that all processes share, in milliseconds. */
export interface HistoryOp {
  readonly session: number
  /**
   * A sign-in that finds its session moved or ended begins another one, with a name of its own. `null`: the session
   * that was there first, under all the tokens that it has had.
   */
  readonly branch: string | null
  /** The beginning of the token that came with it; `''`: it came with no token. */
  readonly token: string
  readonly openStart: number
  readonly openEnd: number
  readonly state: 'live' | 'new' | 'unavailable' | 'unproven'
  /** The id that it loaded, and the one that the session has after it. */
  readonly id: string | null
  readonly newId: string | null
  /** The session's name in its subject's list when it was loaded; `null`: no one has signed in. */
  readonly ref: string | null
  /** What it saw, by key. */
  readonly seen: Readonly<Record<string, string>>
  readonly count: number
  readonly commitStart: number
  readonly commitEnd: number
  readonly intent: Intent
  /** What it wrote: one key, with a value of its own; and it added 1 to the count. */
  readonly key: string
  readonly value: string
  /** The commit's, or what the call said: `revoked`, `nothing to revoke`, `unconfirmed`. */
  readonly outcome: string
  /** The beginning of the token that its answer gave. */
  readonly newToken: string | null
}

/** `revoke` and `end` are calls for the subject of the session; `create` is a session's first request. */
export type Intent =
  'create' | 'read' | 'write' | 'renew' | 'sign-in' | 'destroy' | 'revoke' | 'end'

/** All that happened to the sessions of one run. */
export interface History {
  readonly ops: readonly HistoryOp[]
  /** What every session held under every key when the run began. */
  readonly initial: (session: number, key: string) => string
  readonly keys: readonly string[]
  /** When the server was emptied. */
  readonly wipes: readonly number[]
  /** Whether outages were made. */
  readonly chaos: boolean
}

export const historyKeys = ['a', 'b', 'c', 'd'] as const

export const initialValue = (session: number, key: string): string => `${session}/first/${key}`

/** The account that all sign-ins of one session are to. */
export const subjectOf = (session: number): string => `user ${session}`

/** The cookie pair's token, as far as a history names it. */
export const tokenOf = (cookie: string): string => cookie.slice(cookie.indexOf('=') + 1, -20)

/** CLOCK_MONOTONIC in milliseconds, which all processes of a machine share. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6
