import type { Merge } from '../data/resolve-keys.ts'
import type { MigrateOptions } from '../data/migrate.ts'
import type { StandardSchema } from '../data/schema.ts'
import type { DeviceBound } from '../device/device-binding.ts'
import type { RandomBytes } from '../crypto/random.ts'
import type { OnEvent } from '../events.ts'
import type { CookieOptions } from '../http/cookie.ts'
import type { OnFailure } from '../http/failure-response.ts'
import type { SessionStore } from '../store/store.ts'

/** Whole seconds, from 1 to 34,560,000 (400 days). */
export interface LifetimeOptions {
  /**
   * Ends a session this long after its last request; at most `absolute`. Default: 3600, one hour, or `absolute` if
   * that is shorter.
   */
  readonly idle?: number
  /**
   * Ends a session this long after it began or was last signed in to, even if it is in use. Default: 86,400, 24 hours
   * (NIST AAL2).
   */
  readonly absolute?: number
  /**
   * Ends a new session this long after it began, unless its cookie comes back or it is signed in to. So clients that
   * drop cookies cannot fill the store. Default: 600, ten minutes.
   */
  readonly unused?: number
  /**
   * Gives a session a new token when its token is this old: at least 60, at most `absolute`. For 15 seconds the old
   * token still works, for requests in progress. If `renew` made the token and the session has no subject, the token is
   * kept for at least 120 seconds. Default: never.
   */
  readonly rotate?: number
  /**
   * Lifetimes of remembered sessions: `signIn(subject, { persist: true })`. `lifetimes.aal1` is 30 days. `idle`
   * defaults to the `absolute` given here. With this option a process needs one more command when it first loads a
   * session. Default: the same as for other sessions.
   */
  readonly persistent?: { readonly idle?: number; readonly absolute: number }
}

/** Limits of the cache. The least recently used sessions are removed first. */
export interface CacheOptions {
  /** The largest number of sessions. Default: 10,000. */
  readonly sessions?: number
  /** Bytes of records, sealed and opened, plus 1 KiB for each and 256 bytes for each key. Default: 32 MiB. */
  readonly bytes?: number
  /** Seconds since the last use. Older sessions are removed when the cache is next used. Default: 60. */
  readonly seconds?: number
}

export interface SessionsOptions<data extends object> {
  /** The store of the records. */
  readonly store: SessionStore
  /**
   * The secrets that seal records, newest first, each at least 32 bytes of UTF-8: `openssl rand -base64 32`. The first
   * one seals new records; all of them open records. Without secrets, only the token seals a record, so an attacker who
   * can write to the store can create a session. In production (NODE_ENV), a store outside the process therefore
   * requires secrets or `'none'`.
   */
  readonly secrets?: readonly string[] | 'none'
  /**
   * Separates applications that share a store: a token of one is unknown to the other. Default: `default`. If
   * `createSessions` is called twice with one store object and without a namespace, the event `warning` is emitted.
   */
  readonly namespace?: string
  readonly cookie?: CookieOptions
  /**
   * A cache of recently loaded sessions in this process, which saves deriving keys and decrypting and decoding records.
   * The store is still queried at every request. `false` disables it.
   */
  readonly cache?: CacheOptions | false
  /**
   * Keys of `data` that mean a sign-in, for apps that do not call `session.signIn`. If one is added to a session that
   * keeps its token, the event `fixation.risk` is emitted. Default: no keys.
   */
  readonly authKeys?: readonly (keyof NoInfer<data> & string)[]
  readonly lifetime?: LifetimeOptions
  /**
   * Binds every session that signs in to its device, if the browser supports it. Use `deviceBound()` of
   * `@coatcheck/core/device-bound`, and mount `sessions.deviceBinding`. Default: sessions are not bound.
   */
  readonly deviceBound?: DeviceBound
  /**
   * Merges keys that two requests changed at the same time: a resolver for each key, or a function that returns one for
   * a key. Default: for each key, the later save wins.
   */
  readonly merge?: Merge<NoInfer<data>>
  /**
   * Converts stored data to a new version at load, before the schema runs: `{ version: 2, up: (data, from) => … }`. The
   * next save writes the result. Default: no conversion.
   */
  readonly migrate?: MigrateOptions
  /**
   * Receives events for logs and metrics. It is called synchronously, and its errors are dropped. Default: `printOnce`,
   * which prints events about lost data and broken configuration, one line for each kind and process. Use `() => {}` to
   * print nothing. The channel `coatcheck:event` of `node:diagnostics_channel` has the same events.
   */
  readonly onEvent?: OnEvent
  /**
   * Returns the response if a commit did not do what the handler asked for. Default: 503 with `Retry-After` for a
   * sign-in, renewal or sign-out, and 409 or 503 after `take` (see there). If only a change was lost, the handler's
   * response is sent; the event `commit` has the outcome.
   */
  readonly onFailure?: OnFailure
  /**
   * What happens if the store does not answer. `degrade`: the state of the session, or the outcome of the commit, is
   * `unavailable`. `throw`: opening and committing reject with a `SessionError` `unavailable`. Default: `degrade`.
   */
  readonly unavailable?: 'degrade' | 'throw'
  /**
   * Keeps the runtime alive after the response, to retry a sign-out that the store did not confirm. For example, pass
   * `waitUntil` of `cloudflare:workers` or of `@vercel/functions`. Not needed where the process keeps running. Default:
   * none.
   */
  readonly waitUntil?: (work: Promise<void>) => void
  /** The largest number of sessions of a subject, 1 to 1000. At the limit, a sign-in ends the oldest. Default: 100. */
  readonly sessionsPerSubject?: number
  /** The largest record, in bytes, from 256 to 1,000,000. Default: 65,536. */
  readonly maxBytes?: number
  /** Adds `Server-Timing: session;desc="OUTCOME"` to responses, for development. Default: false. */
  readonly explain?: boolean
  /** Clock, randomness and timers, for tests only. */
  readonly testing?: TestingOptions
}

/** Replacements for tests. Never set these in production. */
export interface TestingOptions {
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
  /** Default: `crypto.getRandomValues`. Anything else makes tokens that can be guessed. */
  readonly random?: RandomBytes
  /** Waits before another try. Default: `setTimeout`. */
  readonly wait?: (milliseconds: number) => Promise<void>
}

/** A separate type, so that TypeScript does not report other mistakes as a missing schema. */
export interface SchemaOption<schema extends StandardSchema<unknown, object>> {
  /**
   * A Standard Schema (zod, valibot, arktype) for `session.data`. It can be asynchronous, set defaults and convert old
   * data. It must accept `{}` and its own output, and should return its own output unchanged.
   *
   * At every load, its output becomes `session.data`; a stored record that it rejects counts as no session. At commit,
   * it checks changed data: if it rejects a value or drops a key, the commit rejects with a `SessionError`
   * `invalid-value`. The output of this check is not stored, so a transformation is visible from the next load on.
   * Stored keys that the schema drops stay in the record for other versions of the app, unless they would change its
   * output.
   */
  readonly schema: schema
}

/** The options of both overloads of `createSessions`. */
export type AnyOptions = Omit<SessionsOptions<object>, 'authKeys'> & {
  readonly authKeys?: readonly string[]
} & Partial<SchemaOption<StandardSchema<unknown, object>>>
