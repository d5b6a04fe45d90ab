import type { Route, Work } from '../work.ts'
import type { Data } from './session-data.ts'

/** What came back for one request. */
export interface Answer {
  readonly status: number
  /** The values of the `Set-Cookie` lines. */
  readonly setCookies: () => readonly string[]
  readonly text: () => Promise<string>
}

/** The application of one contender, running. */
export interface Site {
  /**
   * Answers one request. A lane is what a connection is to a server: one request at a time. `query` is
   * what follows the `?`.
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
  /** What `create` puts into a session. */
  readonly newData: () => Data
  readonly memcached: number
  readonly redis: number
  /**
   * Whether clients wait for the store as long as they can, so that a busy machine is not taken for an outage. Else
   * they have their defaults.
   */
  readonly patient: boolean
  /** `hold` waits for this between the reading of the session and its change. */
  readonly gate: () => Promise<void>
}

export type Store = 'none' | 'cookie' | 'memory' | 'memcached' | 'redis'

/**
 * A library in an application, which is the same for all: every route answers 200, or 404 if it needs a
 * session and finds none.
 */
export interface Contender {
  readonly name: string
  readonly store: Store
  /** The contender that is the same server without a session; null: it is one. */
  readonly floor: string | null
  /** The packages whose versions matter. */
  readonly packages: readonly string[]
  /** What it does not do, or not as the others. */
  readonly without?: readonly Work[]
  /** Whether a sign-in leaves the session's id as it is: the library has no other way. */
  readonly keepsId?: boolean
  readonly start: (circumstances: Circumstances) => Promise<Site>
}
