/** What one worker did with one session, by a clock that all processes share, in milliseconds. */
export interface HistoryOp {
  readonly session: number
  readonly openStart: number
  readonly openEnd: number
  readonly state: 'live' | 'new' | 'unavailable'
  /** What it saw, by key. */
  readonly seen: Readonly<Record<string, string>>
  readonly count: number
  readonly commitStart: number
  readonly commitEnd: number
  readonly intent: 'read' | 'write' | 'destroy' | 'renew'
  /** What it wrote: one key, with a value of its own; and it added 1 to the count. */
  readonly key: string
  readonly value: string
  readonly outcome: string
  /** The cookie that a renew gave. */
  readonly cookie: string | null
  /** It came with such a cookie. */
  readonly renewed: boolean
}

/** All that happened to the sessions of one run. */
export interface History {
  readonly ops: readonly HistoryOp[]
  /** What every session held under every key when the run began. */
  readonly initial: (session: number, key: string) => string
  readonly keys: readonly string[]
  /** When memcached was emptied. */
  readonly wipes: readonly number[]
  /** Whether outages were made. */
  readonly chaos: boolean
}

export const historyKeys = ['a', 'b', 'c', 'd'] as const

export const initialValue = (session: number, key: string): string => `${session}/first/${key}`

/** CLOCK_MONOTONIC in milliseconds, which all processes of a machine share. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6
