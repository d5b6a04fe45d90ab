import type { Route, Work } from '../work.ts'
import type { Data } from './session-data.ts'

/** The response to one request. */
export interface Answer {
  readonly status: number
  /** The values of the `Set-Cookie` lines. */
  readonly setCookies: () => readonly string[]
  readonly text: () => Promise<string>
}

/** The running application of one contender. */
export interface Site {
  /**
   * Answers one request. A lane is like a connection to a server: it has one request at a time. `query`: the text after
   * `?`.
   */
  readonly send: (
    lane: number,
    route: Route,
    cookie: string | undefined,
    query?: string,
  ) => Promise<Answer>
  readonly close: () => unknown
}

export interface Circumstances {
  /** The data of a new session. */
  readonly newData: () => Data
  readonly memcached: number
  readonly redis: number
  /**
   * Whether clients wait for the store as long as they can, so that a busy machine does not look like an outage.
   * Otherwise they use their defaults.
   */
  readonly patient: boolean
  /** `hold` awaits this between reading the session and changing it. */
  readonly gate: () => Promise<void>
}

export type Store = 'none' | 'cookie' | 'memory' | 'memcached' | 'redis'

/**
 * A library in an application, which is the same for all contenders: every route answers 200, or 404 if it needs a
 * session and finds none.
 */
export interface Contender {
  readonly name: string
  readonly store: Store
  /** The contender with the same server without sessions; null if it is one itself. */
  readonly floor: string | null
  /** The packages whose versions are reported. */
  readonly packages: readonly string[]
  /** Work that it cannot do, or not like the others. */
  readonly without?: readonly Work[]
  /** Whether a sign-in keeps the session's id, because the library has no other way. */
  readonly keepsId?: boolean
  readonly start: (circumstances: Circumstances) => Promise<Site>
}
