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
   * Ends a session this long after it began or was last signed in to, whatever happens. Default: 86,400, 24 hours (NIST
   * AAL2).
   */
  readonly absolute?: number
  /**
   * Ends a new session this long after it began, unless its cookie comes back or it was signed in to, so that
   * clients that drop cookies cannot fill the store. Default: 600, ten minutes.
   */
  readonly unused?: number
  /**
   * Gives a session a new token when its token is this old, at least 60 and at most `absolute`. The old one forwards to it for 15
   * seconds, for requests under way. A token that `renew` gave a session without a subject gets at least 120 seconds old.
   * Default: never.
   */
  readonly rotate?: number
  /**
   * Of sessions whose sign-in asked to be remembered: `signIn(subject, { persist: true })`. `lifetimes.aal1` gives them
   * 30 days. `idle` defaults to its `absolute`. With this option a process needs one more command for a session that it
   * meets for the first time. Default: as the others.
   */
  readonly persistent?: { readonly idle?: number; readonly absolute: number }
}

/** Limits of what is kept. What was used least recently goes first. */
export interface CacheOptions {
  /** Default: 10,000. */
  readonly sessions?: number
  /** For records: sealed and opened, plus 1 KiB for each and 256 bytes for each key. Default: 32 MiB. */
  readonly bytes?: number
  /** Since its last use. What is older goes when the cache is used again. Default: 60. */
  readonly seconds?: number
}

export interface SessionsOptions<data extends object> {
  /** Where the records live. */
  readonly store: SessionStore
  /**
   * Seal the records; newest first, each at least 32 bytes of UTF-8: `openssl rand -base64 32`. New records are
   * sealed with the first one; every one opens older records. Without secrets a record is sealed with its token
   * alone, and an attacker who can write to the store can create a session. So in production (NODE_ENV) they are
   * required for every store outside the process, unless you say `'none'`.
   */
  readonly secrets?: readonly string[] | 'none'
  /**
   * Separates applications that share a store: a token of one is unknown to the other. Default: `default`, and an event
   * `warning` if `createSessions` is called twice with one store object and without a namespace.
   */
  readonly namespace?: string
  readonly cookie?: CookieOptions
  /**
   * What this process keeps in memory of the sessions it has met lately, so that it does not derive their keys, and
   * decrypt and decode their records, at every request. The store is asked at every request all the same. `false`
   * keeps nothing.
   */
  readonly cache?: CacheOptions | false
  /**
   * Keys of `data` that mean a sign-in, for apps that do not call `session.signIn`. If one is added to a session
   * that keeps its token, the event `fixation.risk` reports it. Default: no keys.
   */
  readonly authKeys?: readonly (keyof NoInfer<data> & string)[]
  readonly lifetime?: LifetimeOptions
  /**
   * Binds every session that signs in to its device, where the browser can: `deviceBound()` of
   * `@coatcheck/core/device-bound`. Mount `sessions.deviceBinding` as well. Default: sessions are not bound.
   */
  readonly deviceBound?: DeviceBound
  /**
   * Merges keys that two requests changed at the same time: a resolver for each key, or a function of the key.
   * Default: the later save wins, key by key.
   */
  readonly merge?: Merge<NoInfer<data>>
  /**
   * Carries stored data over to a new shape, at load, before the schema is asked: `{ version: 2, up: (data, from) => … }`.
   * The next save writes them. Default: nothing is carried over.
   */
  readonly migrate?: MigrateOptions
  /**
   * Receives events for logs and metrics. Called synchronously; what it throws is dropped. Default: what loses data or
   * cannot work is printed on the console, one line for each kind in the life of the process (`printOnce`); `() => {}`
   * prints nothing. The channel `coatcheck:event` of `node:diagnostics_channel` carries the same events.
   */
  readonly onEvent?: OnEvent
  /**
   * Answers when a commit did not do what the handler asked for. Default: 503 with `Retry-After` for a sign-in,
   * a renewal or a sign-out; a lost change lets the handler's response go, with the event `commit`.
   */
  readonly onFailure?: OnFailure
  /**
   * What happens if the store cannot be reached. `degrade` (default): the session is `unavailable`, and so is the
   * outcome of a commit. `throw`: opening and committing reject with a `SessionError` `unavailable`.
   */
  readonly unavailable?: 'degrade' | 'throw'
  /**
   * Keeps the runtime at work for a request whose response has left: a sign-out that the store did not confirm is sent
   * again. For example `waitUntil` of `cloudflare:workers` or of `@vercel/functions`. Default: nothing, which is right
   * where the process goes on by itself.
   */
  readonly waitUntil?: (work: Promise<void>) => void
  /** How many sessions a subject may have at once, 1 to 1000: the oldest end first. Default: 100. */
  readonly sessionsPerSubject?: number
  /** The largest record, in bytes, from 256 to 1,000,000. Default: 65,536. */
  readonly maxBytes?: number
  /** Adds `Server-Timing: session;desc="OUTCOME"` to responses, for development. Default: false. */
  readonly explain?: boolean
  /** Clock, randomness and timers, for tests only. */
  readonly testing?: TestingOptions
}

/** Replaces what a test has to control. Never set these in production. */
export interface TestingOptions {
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
  /** Default: `crypto.getRandomValues`. Anything else makes tokens that can be guessed. */
  readonly random?: RandomBytes
  /** Waits before another try. Default: `setTimeout`. */
  readonly wait?: (milliseconds: number) => Promise<void>
}

/** Apart from the other options, so that a mistake beside a schema is not reported as a missing schema. */
export interface SchemaOption<schema extends StandardSchema<unknown, object>> {
  /**
   * A Standard Schema (zod, valibot, arktype) for `session.data`. It may be asynchronous, give defaults and carry
   * old shapes over. It must accept `{}` and its own output, and should give its own output back unchanged.
   *
   * At every load it makes `session.data`; a stored record that it refuses counts as no session. At commit, if
   * something was changed, it is asked once more: a value that it refuses, or a key that it drops, is refused with a
   * `SessionError` `invalid-value`. What it makes of the value then is not stored: a transformation shows at the next
   * load. Stored keys that it drops stay in the record for other versions of the app, unless they would change what it
   * makes of the rest.
   */
  readonly schema: schema
}

/** The options of both ways to call `createSessions`. */
export type AnyOptions = Omit<SessionsOptions<object>, 'authKeys'> & {
  readonly authKeys?: readonly string[]
} & Partial<SchemaOption<StandardSchema<unknown, object>>>
