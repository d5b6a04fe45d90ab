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

/** What other modules know of the protocol. Apps that do not bind sessions do not bundle the rest. */
export interface DeviceBinding {
  readonly mode: DeviceMode
  /** For how long a proof counts, in milliseconds. */
  readonly lifetime: number
  readonly offer: (now: number, random: RandomBytes) => Device
  /** The value of `Secure-Session-Registration`, for the response of the sign-in alone. */
  readonly registration: (device: Device) => Promise<string>
  /** `cookies`: the value of the `Cookie` header. */
  readonly standing: (
    device: Device,
    cookies: string,
    form: CookieForm,
    now: number,
  ) => Eventually<DeviceStanding>
  /** Why the browser says that it sent no proof. */
  readonly skipped: (source: CookieSource) => Skipped | null
  /** The bound cookies that the request has, to be deleted with the session. `cookies`: as above. */
  readonly boundCookies: (cookies: string, form: CookieForm) => readonly CookieForm[]
  /** Answers a registration or a refresh; `null`: the request is neither. */
  readonly answer: (request: Request, access: DeviceAccess) => Promise<Response> | null
}

export type Skipped = 'unreachable' | 'server_error' | 'quota_exceeded'

/** What the endpoints need of a session. */
export interface DeviceAccess {
  readonly now: () => number
  readonly onEvent: OnEvent
  readonly open: (fits: Fits) => Promise<OpenDevice>
}

/** Which session a request means that has several cookies of its name: a sibling domain may plant some. */
export type Fits = (device: Device) => boolean | Promise<boolean>

export interface OpenDevice {
  readonly state: LoadState
  readonly idPrefix: string | null
  /** The session's cookie for this request; `null`: it came over plain http. */
  readonly form: CookieForm | null
  readonly device: Device | undefined
  /** Stores what becomes of the device. `changed`: another request has changed it first. */
  readonly replace: (next: Device) => Promise<'saved' | 'changed' | 'gone' | 'unavailable'>
}
