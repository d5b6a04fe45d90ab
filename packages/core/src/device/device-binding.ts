import type { Eventually } from '../crypto/primitives.ts'
import type { RandomBytes } from '../crypto/random.ts'
import type { OnEvent } from '../events.ts'
import type { CookieForm } from '../http/cookie.ts'
import type { CookieSource } from '../http/transport.ts'
import type { DeviceMode, DeviceStanding } from '../rules/device-mode.ts'
import type { LoadState } from '../rules/next-step.ts'
import type { Device } from '../store/device-key.ts'

/** The value of the option `deviceBound`, made by `deviceBound()` of `@coatcheck/core/device-bound`. */
export interface DeviceBound {
  /** Throws `invalid-option` if sessions with this cookie cannot be bound. */
  readonly bindTo: (cookie: CookieForm) => DeviceBinding
}

/**
 * The interface between the protocol and other modules, so that apps that do not bind sessions do not bundle the
 * protocol.
 */
export interface DeviceBinding {
  readonly mode: DeviceMode
  /** How long a proof is valid, in milliseconds. */
  readonly lifetime: number
  readonly offer: (now: number, random: RandomBytes) => Device
  /** The value of `Secure-Session-Registration`, only for the response of the sign-in. */
  readonly registration: (device: Device) => Promise<string>
  /** `cookies`: the value of the `Cookie` header. */
  readonly standing: (
    device: Device,
    cookies: string,
    form: CookieForm,
    now: number,
  ) => Eventually<DeviceStanding>
  /** The browser's reason for sending no proof. */
  readonly skipped: (source: CookieSource) => Skipped | null
  /** The request's bound cookies, to be deleted with the session. `cookies`: as above. */
  readonly boundCookies: (cookies: string, form: CookieForm) => readonly CookieForm[]
  /** Answers a registration or a refresh; `null` for any other request. */
  readonly answer: (request: Request, access: DeviceAccess) => Promise<Response> | null
}

export type Skipped = 'unreachable' | 'server_error' | 'quota_exceeded'

/** What the endpoints need from a session. */
export interface DeviceAccess {
  readonly now: () => number
  readonly onEvent: OnEvent
  readonly open: (fits: Fits) => Promise<OpenDevice>
}

/** Selects the right session if the request has several cookies of that name: a sibling domain may plant some. */
export type Fits = (device: Device) => boolean | Promise<boolean>

export interface OpenDevice {
  readonly state: LoadState
  readonly idPrefix: string | null
  /** The session's cookie for this request; `null`: the request came over plain http. */
  readonly form: CookieForm | null
  readonly device: Device | undefined
  /** Saves a change of the device. `changed`: another request changed it first. */
  readonly replace: (next: Device) => Promise<'saved' | 'changed' | 'gone' | 'unavailable'>
}
