import type { CookieSource } from '../http/transport.ts'
import type { DeviceStanding } from '../rules/device-mode.ts'
import type { Intent, LoadState, Why } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'

/** What was loaded of a session. */
export interface SessionStart {
  readonly state: LoadState
  readonly id: string | null
  readonly record: SessionRecord | null
  readonly why?: Why | undefined
  /** What it was opened by, and the name of its cookie: to explain the state. */
  readonly source?: CookieSource
  readonly cookieName?: string | undefined
  readonly device?: DeviceStanding
  /** The request came over https, so a sign-in can offer to bind the session. */
  readonly isSecure?: boolean
}

export interface SignIn {
  readonly subject: string
  readonly label: string | null
  /** Default: false. */
  readonly isPersistent?: boolean | undefined
  /** Whether the browser is offered to bind the session to its device, if the app has set that up. Default: true. */
  readonly bindsDevice?: boolean
}

/** What a session's methods asked for. */
export interface AskedFor {
  readonly intent: Intent
  readonly reauthenticated: boolean
  readonly signIn: SignIn | null
  /** The value of `Clear-Site-Data`; `null`: not set. */
  readonly clearSiteData: string | null
}
