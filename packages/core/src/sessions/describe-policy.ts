import { forwardLife } from '../commit/leave-under-old-id.ts'
import type { DeviceMode } from '../rules/device-mode.ts'
import { maxLogoutTries } from '../commit/retry-sign-out.ts'
import { maxDuration, maxTries } from '../rules/retry-limits.ts'
import type { CookieAttributes } from '../http/cookie.ts'

import type { Settings } from '../settings/read-options.ts'
import { maxDepth } from '../data/wire-format.ts'

/** The lifetimes, cookie and limits in force, for audits and documentation. Times in seconds, sizes in bytes. */
export interface Policy {
  /**
   * `rotate`: the age at which a token is replaced; `null`: never. `grace`: how long the old token still works after
   * that.
   */
  readonly lifetime: {
    readonly idle: number
    readonly absolute: number
    readonly unused: number
    readonly rotate: number | null
    readonly grace: number
    /** Lifetimes of remembered sessions; `null`: the same as for other sessions. */
    readonly persistent: { readonly idle: number; readonly absolute: number } | null
  }
  readonly cookie: CookieAttributes & { readonly name: string; readonly persistent: boolean }
  /** What the key of a record is derived from; `null`: records do not leave the process, and are not sealed. */
  readonly sealedBy: 'token and secret' | 'token' | null
  readonly namespace: string
  readonly unavailable: 'degrade' | 'throw'
  /** How sessions are bound to devices; `lifetime`: how long a proof is valid. `null`: they are not bound. */
  readonly deviceBound: { readonly mode: DeviceMode; readonly lifetime: number } | null
  readonly limits: {
    readonly maxBytes: number
    /** The deepest nesting of values. */
    readonly depth: number
    readonly sessionsPerSubject: number
    /** The most writes of one commit while other requests save, and how long it tries, in seconds. */
    readonly tries: number
    readonly duration: number
    /** The most retries of a sign-out that the store did not confirm. */
    readonly logoutTries: number
  }
}

export function describePolicy(settings: Settings): Policy {
  const { lifetime, cookie, sealedBy, namespace, unavailable, deviceBound } = settings
  const { maxBytes, sessionsPerSubject } = settings
  const { persistent } = lifetime
  return {
    lifetime: {
      idle: lifetime.idle / 1000,
      absolute: lifetime.absolute / 1000,
      unused: lifetime.unused / 1000,
      rotate: lifetime.rotate === Infinity ? null : lifetime.rotate / 1000,
      grace: forwardLife / 1000,
      persistent: persistent
        ? { idle: persistent.idle / 1000, absolute: persistent.absolute / 1000 }
        : null,
    },
    cookie: { name: cookie.name, ...cookie.attributes, persistent: cookie.persistent },
    sealedBy,
    namespace,
    unavailable,
    deviceBound: deviceBound && { mode: deviceBound.mode, lifetime: deviceBound.lifetime / 1000 },
    limits: {
      maxBytes,
      depth: maxDepth,
      sessionsPerSubject,
      tries: maxTries,
      duration: maxDuration / 1000,
      logoutTries: maxLogoutTries,
    },
  }
}
