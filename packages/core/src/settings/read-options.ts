import type { Settle } from '../rules/diff-and-merge.ts'
import type { CookieForm, CookieOptions } from '../http/cookie.ts'
import { readCookieOptions } from '../http/cookie.ts'
import type { CookieChoice } from '../http/cookie-for-request.ts'
import { chooseCookie } from '../http/cookie-for-request.ts'
import type { DeviceBinding, DeviceBound } from '../device/device-binding.ts'
import type { OnEvent } from '../events.ts'
import { guard } from '../events.ts'
import { printOnce } from '../print-events.ts'
import { publishing } from '../publish-events.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import {
  checkBoolean,
  isProduction,
  readWhole,
  refuseOption,
  refuseUnknown,
  warn,
} from '../check-option.ts'
import { answerFailure } from '../http/failure-response.ts'
import type { OnFailure } from '../http/failure-response.ts'
import type { MigrateOptions, Migration } from '../data/migrate.ts'
import type { StandardSchema } from '../data/schema.ts'
import { BoundedCache } from '../bounded-cache.ts'
import type { CacheLimits } from '../bounded-cache.ts'
import type { SealKey } from '../crypto/primitives.ts'
import { Keyring } from '../crypto/keyring.ts'
import type { Secret } from '../crypto/keyring.ts'
import { secureRandom } from '../crypto/random.ts'
import type { RandomBytes } from '../crypto/random.ts'
import { createSeal, noSeal } from '../crypto/sealed-frame.ts'
import type { Seal } from '../crypto/sealed-frame.ts'
import type { Merge, ResolverOf } from '../data/resolve-keys.ts'
import { settleWith } from '../data/resolve-keys.ts'
import { sleep, sleepIdly } from '../timers.ts'
import { readLifetime } from './lifetime-options.ts'
import type { AnyOptions, CacheOptions } from './options.ts'
import type { SessionStore } from '../store/store.ts'

/** The checked options, with defaults. */
export interface Settings {
  readonly store: SessionStore
  readonly keyring: Keyring
  readonly seal: Seal
  /** The limits of the caches; `null`: no caching. */
  readonly cache: CacheLimits | null
  /** What the keys of records derive from; `null`: records are not sealed. */
  readonly sealedBy: 'token and secret' | 'token' | null
  readonly sessionsPerSubject: number
  readonly namespace: string
  readonly cookie: CookieForm
  readonly cookieFor: CookieChoice
  readonly authKeys: readonly string[]
  readonly lifetime: Lifetime
  /** `null`: sessions are not bound to devices. */
  readonly deviceBound: DeviceBinding | null
  readonly settle: Settle
  readonly schema: StandardSchema<unknown, object> | null
  readonly migration: Migration | null
  readonly onEvent: OnEvent
  readonly onFailure: OnFailure
  readonly unavailable: 'degrade' | 'throw'
  readonly maxBytes: number
  readonly explain: boolean
  /** Never throws. */
  readonly waitUntil: (work: Promise<void>) => void
  readonly now: () => number
  readonly random: RandomBytes
  readonly wait: (milliseconds: number) => Promise<void>
  /** The same for background work: it does not keep the process alive. */
  readonly waitIdly: (milliseconds: number) => Promise<void>
}

const known = [
  'store',
  'secrets',
  'sessionsPerSubject',
  'namespace',
  'cookie',
  'authKeys',
  'cache',
  'lifetime',
  'deviceBound',
  'merge',
  'migrate',
  'schema',
  'onEvent',
  'onFailure',
  'unavailable',
  'maxBytes',
  'explain',
  'waitUntil',
  'testing',
]

export function readOptions(options: AnyOptions): Settings {
  refuseUnknown('options', options, known)
  const { explain = false, unavailable = 'degrade', schema = null } = options
  checkBoolean('explain', explain)
  if (unavailable !== 'degrade' && unavailable !== 'throw') {
    refuseOption('unavailable', "must be 'degrade' or 'throw'")
  }
  if (schema !== null && typeof schema['~standard']?.validate !== 'function') {
    refuseOption('schema', 'must be a Standard Schema (zod, valibot, arktype …)')
  }
  const store = readStore(options.store)
  const namespace = readNamespace(options.namespace ?? 'default')
  const { testing = {} } = options
  refuseUnknown('testing', testing, ['now', 'random', 'wait'])
  const random = readFunction('testing.random', testing.random) ?? secureRandom
  const listener = guard(readFunction('onEvent', options.onEvent) ?? printOnce)
  const onEvent = publishing(namespace, listener)
  const keyring = new Keyring(readSecrets(options.secrets, store, onEvent))
  const isSealed = store.inProcess !== true
  const cookie = readCookie(options.cookie, onEvent)
  const now = readClock(testing.now)
  const cache = readCache(options.cache)
  const keys = cache && new BoundedCache<Map<Secret, SealKey>>({ ...cache, size: Infinity }, now)
  return {
    store,
    keyring,
    cache,
    seal: isSealed ? createSeal(keyring, namespace, random, keys) : noSeal,
    sealedBy: isSealed ? (Array.isArray(options.secrets) ? 'token and secret' : 'token') : null,
    sessionsPerSubject: readWhole('sessionsPerSubject', options.sessionsPerSubject ?? 100, 1, 1000),
    namespace,
    cookie,
    cookieFor: chooseCookie(options.cookie),
    authKeys: readAuthKeys(options.authKeys),
    lifetime: readLifetime(options.lifetime),
    deviceBound: readDeviceBound(options.deviceBound, cookie),
    settle: settleWith(readMerge(options.merge)),
    schema,
    migration: readMigrate(options.migrate),
    onEvent,
    onFailure: readFunction('onFailure', options.onFailure) ?? answerFailure,
    unavailable,
    maxBytes: readWhole('maxBytes', options.maxBytes ?? 65_536, 256, 1_000_000),
    explain,
    waitUntil: readWaitUntil(options.waitUntil, onEvent),
    now,
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

/** NIST SP 800-107: a key should be as long as the hash. */
const shortestSecret = 32

/**
 * Some readers of `.env` files keep surrounding quotes and spaces, others do not, so two processes would have different
 * secrets.
 */
const leftOfAFile = /^[\s"'`]|[\s"'`]$/

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
    const isText = typeof secret === 'string' && !leftOfAFile.test(secret)
    if (isText && new TextEncoder().encode(secret).length >= shortestSecret) return
    refuseOption(
      `secrets[${at}]`,
      `must be text of ${shortestSecret} bytes or more, without a blank or quote at an end: openssl rand -base64 32`,
    )
  })
  if (new Set(secrets).size < secrets.length) refuseOption('secrets', 'has one of them twice')
  return secrets as readonly string[]
}

function warnOfNoSecrets(onEvent: OnEvent): void {
  const what = 'is missing, so an attacker who can write to the store can create a session'
  const remedy =
    "set it to process.env.SESSION_SECRETS.split(','), 32 bytes or more each, or to 'none'"
  if (isProduction()) refuseOption('secrets', `${what}: ${remedy}`)
  warn(onEvent, `secrets ${what}: ${remedy}`)
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
  warn(onEvent, `cookie.domain ${what}: ${remedy}`)
  return form
}

function readDeviceBound(
  option: DeviceBound | undefined,
  cookie: CookieForm,
): DeviceBinding | null {
  if (option === undefined) return null
  if (typeof option?.bindTo === 'function') return option.bindTo(cookie)
  return refuseOption(
    'deviceBound',
    'must be what deviceBound() of @coatcheck/core/device-bound returns',
  )
}

function readAuthKeys(keys: readonly string[] = []): readonly string[] {
  if (Array.isArray(keys) && keys.every((key) => typeof key === 'string')) return [...keys]
  return refuseOption('authKeys', 'must be an array of keys of session.data')
}

function readCache(options: CacheOptions | false = {}): CacheLimits | null {
  if (options === false) return null
  refuseUnknown('cache', options, ['sessions', 'bytes', 'seconds'])
  const { sessions = 10_000, bytes = 32 * 1024 * 1024, seconds = 60 } = options
  return {
    entries: readWhole('cache.sessions', sessions, 1, 10_000_000),
    size: readWhole('cache.bytes', bytes, 1, 2 ** 40),
    age: readWhole('cache.seconds', seconds, 1, 86_400) * 1000,
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

function readMigrate(options: MigrateOptions | undefined): Migration | null {
  if (options === undefined) return null
  refuseUnknown('migrate', options, ['version', 'up', 'reads'])
  const { up } = options
  if (typeof up !== 'function') refuseOption('migrate.up', 'must be a function')
  // Without the option, records have version 0. So version 0 writes records that code without the option can read.
  const least = options.reads === undefined ? 1 : 0
  const version = readWhole('migrate.version', options.version, least, 2 ** 31)
  const reads = readWhole('migrate.reads', options.reads ?? version, version || 1, 2 ** 31)
  return { version, up, reads }
}

function readFunction<type>(name: string, value: type): type {
  if (value === undefined || typeof value === 'function') return value
  return refuseOption(name, 'must be a function')
}

/** An error of `waitUntil` must not break the response of a sign-out. */
function readWaitUntil(
  given: Settings['waitUntil'] | undefined,
  onEvent: OnEvent,
): Settings['waitUntil'] {
  const waitUntil = readFunction('waitUntil', given)
  if (waitUntil === undefined) return () => {}
  return (work) => {
    try {
      waitUntil(work)
    } catch {
      warn(
        onEvent,
        'waitUntil threw, so a sign-out may not be retried after the response: pass a function that ' +
          'needs no `this` and works during any request',
      )
    }
  }
}

/** Whole milliseconds, because records store no fractions. */
function readClock(now: (() => number) | undefined): () => number {
  const clock = readFunction('testing.now', now)
  return clock === undefined ? Date.now : () => Math.floor(clock())
}
