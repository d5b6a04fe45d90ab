import type { Settle } from '../rules/changes.ts'
import type { CookieForm, CookieOptions } from '../http/cookie.ts'
import { maxCookieAge, readCookieOptions } from '../http/cookie.ts'
import type { CookieChoice } from '../http/cookie-choice.ts'
import { chooseCookie } from '../http/cookie-choice.ts'
import type { OnEvent } from '../events.ts'
import { guard } from '../events.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { isProduction, readWhole, refuseOption, refuseUnknown } from '../check-option.ts'
import { answerFailure } from '../http/failure.ts'
import type { OnFailure } from '../http/failure.ts'
import type { StandardSchema } from '../data/schema.ts'
import { Keyring } from '../crypto/keyring.ts'
import type { RandomBytes } from '../crypto/random.ts'
import { createSeal, noSeal } from '../crypto/seal.ts'
import type { Seal } from '../crypto/seal.ts'
import type { Merge, ResolverOf } from '../data/merge.ts'
import { settleWith } from '../data/merge.ts'
import type { SessionStore } from '../store/store.ts'

/** Whole seconds, from 1 to 34,560,000 (400 days). */
export interface LifetimeOptions {
  /** Ends a session this long after its last request. Default: 3600, one hour. */
  readonly idle?: number
  /** Ends a session this long after it began, whatever happens. Default: 86,400, 24 hours (NIST AAL2). */
  readonly absolute?: number
  /**
   * Ends a new session this long after it began unless its cookie comes back, or it was renewed (somebody
   * signed in), so that visitors without a cookie jar cannot fill the store. Default: 600, ten minutes.
   */
  readonly anonymous?: number
  /**
   * Gives a session a new token when its token is this old: at least 60. The old one leads to it for 15
   * seconds, for requests under way. Default: never.
   */
  readonly rotate?: number
}

export interface SessionsOptions<data extends object> {
  /** Where the records live. */
  readonly store: SessionStore
  /**
   * Seals the records, newest first, 32 bytes of UTF-8 each at least: `openssl rand -base64 32`. New
   * records are sealed with the first one; older ones are opened with any. Without them a record is sealed
   * with its token alone: whoever can write to the store could make a session of their own. So in
   * production (NODE_ENV) they must be given, or `'none'` said, for every store outside the process.
   */
  readonly secrets?: readonly string[] | 'none'
  /**
   * Separates applications that share a store: a token of one means nothing to the other. Default:
   * `default`.
   */
  readonly namespace?: string
  readonly cookie?: CookieOptions
  /**
   * Keys whose appearance means that somebody signed in, for apps that do not set `session.subject`. When one
   * comes into a session that keeps its token, the event `fixation.risk` says so. Default: none.
   */
  readonly authKeys?: readonly (keyof NoInfer<data> & string)[]
  readonly lifetime?: LifetimeOptions
  /**
   * How keys are settled that two requests changed at the same time: a resolver for each key, or a function
   * of the key. Default: the later save wins, key by key.
   */
  readonly merge?: Merge<NoInfer<data>>
  /** Receives events for logs and metrics. Called synchronously; what it throws is dropped. */
  readonly onEvent?: OnEvent
  /**
   * Answers when a commit did not do what the handler asked for. Default: 503 with `Retry-After` for a sign-in
   * or a sign-out; a lost change lets the handler's response go, with the event `commit`.
   */
  readonly onFailure?: OnFailure
  /**
   * What to do when the store cannot be reached. `degrade` (default): the session is `unavailable`, and a
   * commit says so in its outcome. `throw`: a `SessionError` `unavailable`.
   */
  readonly unavailable?: 'degrade' | 'throw'
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

/** Not among the others, or a call with a schema and a mistake would be taken for one without. */
export interface SchemaOption<schema extends StandardSchema<unknown, object>> {
  /**
   * A Standard Schema (zod, valibot, arktype) for `session.data`. It is asked at every load, and decodes
   * every key. A stored record that it refuses counts as no session. It must accept `{}`, and its own
   * output.
   */
  readonly schema: schema
}

/** The options of both ways to call `createSessions`. */
export type AnyOptions = Omit<SessionsOptions<object>, 'authKeys'> & {
  readonly authKeys?: readonly string[]
} & Partial<SchemaOption<StandardSchema<unknown, object>>>

/** The options, checked, with the defaults filled in. */
export interface Settings {
  readonly store: SessionStore
  readonly keyring: Keyring
  readonly seal: Seal
  /** What the key of a record is made of; `null`: nothing is sealed. */
  readonly sealedBy: 'token and secret' | 'token' | null
  readonly sessionsPerSubject: number
  readonly namespace: string
  readonly cookie: CookieForm
  readonly cookieFor: CookieChoice
  readonly authKeys: readonly string[]
  readonly lifetime: Lifetime
  readonly settle: Settle
  readonly schema: StandardSchema<unknown, object> | null
  readonly onEvent: OnEvent
  readonly onFailure: OnFailure
  readonly unavailable: 'degrade' | 'throw'
  readonly maxBytes: number
  readonly explain: boolean
  readonly now: () => number
  readonly random: RandomBytes
  readonly wait: (milliseconds: number) => Promise<void>
  /** The same in the background: it does not keep a process alive. */
  readonly waitIdly: (milliseconds: number) => Promise<void>
}

const known = [
  'store',
  'secrets',
  'sessionsPerSubject',
  'namespace',
  'cookie',
  'authKeys',
  'lifetime',
  'merge',
  'schema',
  'onEvent',
  'onFailure',
  'unavailable',
  'maxBytes',
  'explain',
  'testing',
]

export function readOptions(options: AnyOptions): Settings {
  refuseUnknown('options', options, known)
  const { explain = false, unavailable = 'degrade', schema = null } = options
  if (typeof explain !== 'boolean') refuseOption('explain', 'must be true or false')
  if (unavailable !== 'degrade' && unavailable !== 'throw') {
    refuseOption('unavailable', "must be 'degrade' or 'throw'")
  }
  if (schema !== null && typeof schema['~standard']?.validate !== 'function') {
    refuseOption('schema', 'must be a Standard Schema (zod, valibot, arktype …)')
  }
  const store = readStore(options.store)
  const namespace = readNamespace(options.namespace ?? 'default')
  const testing = options.testing ?? {}
  refuseUnknown('testing', testing, ['now', 'random', 'wait'])
  const random = readFunction('testing.random', testing.random) ?? secureRandom
  const onEvent = guard(readFunction('onEvent', options.onEvent))
  const keyring = new Keyring(readSecrets(options.secrets, store, onEvent))
  const isSealed = store.inProcess !== true
  return {
    store,
    keyring,
    seal: isSealed ? createSeal(keyring, namespace, random) : noSeal,
    sealedBy: isSealed ? (Array.isArray(options.secrets) ? 'token and secret' : 'token') : null,
    sessionsPerSubject: readWhole('sessionsPerSubject', options.sessionsPerSubject ?? 100, 1, 1000),
    namespace,
    cookie: readCookie(options.cookie, onEvent),
    cookieFor: chooseCookie(options.cookie),
    authKeys: readAuthKeys(options.authKeys),
    lifetime: readLifetime(options.lifetime),
    settle: settleWith(readMerge(options.merge)),
    schema,
    onEvent,
    onFailure: readFunction('onFailure', options.onFailure) ?? answerFailure,
    unavailable,
    maxBytes: readWhole('maxBytes', options.maxBytes ?? 65_536, 256, 1_000_000),
    explain,
    now: readClock(testing.now),
    random,
    wait: readFunction('testing.wait', testing.wait) ?? sleep,
    waitIdly: testing.wait ?? sleepIdly,
  }
}

function readStore(store: SessionStore): SessionStore {
  for (const method of ['load', 'create', 'save', 'delete'] as const) {
    if (typeof store?.[method] !== 'function') {
      refuseOption(
        'store',
        `must be a store, and has no ${method}(): use memoryStore() for a start`,
      )
    }
  }
  return store
}

/** NIST SP 800-107: a key as long as the hash. */
const shortestSecret = 32

function readSecrets(
  secrets: readonly string[] | 'none' | undefined,
  store: SessionStore,
  onEvent: OnEvent,
): readonly string[] {
  if (secrets === undefined || secrets === 'none') {
    if (secrets === undefined && store.inProcess !== true) warnOfNoSecrets(onEvent)
    return []
  }
  if (!Array.isArray(secrets) || secrets.length === 0) {
    refuseOption('secrets', "must be an array of secrets, newest first, or 'none'")
  }
  secrets.forEach((secret: unknown, at) => {
    if (typeof secret === 'string' && new TextEncoder().encode(secret).length >= shortestSecret)
      return
    refuseOption(
      `secrets[${at}]`,
      `must be text of ${shortestSecret} bytes or more: openssl rand -base64 32`,
    )
  })
  if (new Set(secrets).size < secrets.length) refuseOption('secrets', 'has one of them twice')
  return secrets as readonly string[]
}

function warnOfNoSecrets(onEvent: OnEvent): void {
  const what = 'is missing, so whoever can write to the store could make a session of their own'
  const remedy = "set it to [process.env.SESSION_SECRET], of 32 bytes or more, or to 'none'"
  if (isProduction()) refuseOption('secrets', `${what}: ${remedy}`)
  onEvent({ type: 'warning', what: `createSessions: secrets ${what}: ${remedy}` })
}

function readNamespace(namespace: string): string {
  if (typeof namespace === 'string' && /^[\x21-\x7e]{1,64}$/.test(namespace)) return namespace
  return refuseOption('namespace', 'must be 1 to 64 printable ASCII characters without a space')
}

function readCookie(options: CookieOptions | undefined, onEvent: OnEvent): CookieForm {
  const form = readCookieOptions(options)
  if (form.attributes.domain === undefined) return form
  const what =
    'shares the cookie with every subdomain, so any of them can plant a session of its own'
  const remedy = 'leave it out unless several hosts have to share sessions'
  onEvent({ type: 'warning', what: `createSessions: cookie.domain ${what}: ${remedy}` })
  return form
}

function readAuthKeys(keys: readonly string[] = []): readonly string[] {
  if (Array.isArray(keys) && keys.every((key) => typeof key === 'string')) return [...keys]
  return refuseOption('authKeys', 'must be an array of keys of session.data')
}

function readLifetime(options: LifetimeOptions = {}): Lifetime {
  refuseUnknown('lifetime', options, ['idle', 'absolute', 'anonymous', 'rotate'])
  const { idle = 3600, absolute = 86_400, anonymous = 600, rotate } = options
  const seconds = (name: string, value: number, least = 1): number =>
    readWhole(`lifetime.${name} (seconds)`, value, least, maxCookieAge) * 1000
  return {
    idle: seconds('idle', idle),
    absolute: seconds('absolute', absolute),
    anonymous: seconds('anonymous', anonymous),
    rotate: rotate === undefined ? Infinity : seconds('rotate', rotate, 60),
  }
}

function readMerge(merge: Merge<object> = {}): ResolverOf {
  if (typeof merge === 'function') return merge as ResolverOf
  if (typeof merge !== 'object' || merge === null)
    refuseOption('merge', 'must be an object or function')
  for (const [key, resolver] of Object.entries(merge)) readFunction(`merge.${key}`, resolver)
  const resolvers = new Map(Object.entries(merge))
  return (key) => resolvers.get(key)
}

function readFunction<type>(name: string, value: type): type {
  if (value === undefined || typeof value === 'function') return value
  return refuseOption(name, 'must be a function')
}

function secureRandom(bytes: Parameters<RandomBytes>[0]): void {
  crypto.getRandomValues(bytes)
}

/** Whole milliseconds: a record has no room for more. */
function readClock(now: (() => number) | undefined): () => number {
  const clock = readFunction('testing.now', now)
  return clock === undefined ? Date.now : () => Math.floor(clock())
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds))
}

/** On Node the timer is an object, and would keep the process alive. */
function sleepIdly(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds) as { unref?: () => void } | number
    if (typeof timer === 'object') timer.unref?.()
  })
}
