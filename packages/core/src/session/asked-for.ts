import type { CookieSource } from '../http/transport.ts'
import type { DeviceStanding } from '../rules/device-mode.ts'
import type { Intent, LoadState, Why } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'

/** The loaded part of a session. */
export interface SessionStart {
  readonly state: LoadState
  readonly id: string | null
  readonly record: SessionRecord | null
  readonly why?: Why | undefined
  /** What the session was loaded from, and its cookie name. Used to explain the state. */
  readonly source?: CookieSource
  readonly cookieName?: string | undefined
  readonly device?: DeviceStanding
  /** Whether the request came over https, so that a sign-in can offer to bind the session. */
  readonly isSecure?: boolean
}

export interface SignIn {
  /** `null`: see `withoutSubject` of `renew`. */
  readonly subject: string | null
  readonly label: string | null
  /** Default: false. */
  readonly isPersistent?: boolean | undefined
  /** Whether to offer the browser to bind the session, if the app has set up `deviceBound`. Default: true. */
  readonly bindsDevice?: boolean
}

/** What the handler asked for through the session's methods. */
export interface AskedFor {
  readonly intent: Intent
  readonly reauthenticated: boolean
  readonly signIn: SignIn | null
  /** The value of `Clear-Site-Data`; `null`: not set. */
  readonly clearSiteData: string | null
}
