import { isPromise } from '../crypto/is-promise.ts'
import type { Eventually } from '../crypto/primitives.ts'
import { readCookies } from '../http/cookie.ts'
import type { CookieForm } from '../http/cookie.ts'
import type { CookieSource } from '../http/transport.ts'
import type { DeviceStanding } from '../rules/device-mode.ts'
import type { Skipped } from './device-binding.ts'
import type { Device } from '../store/device-key.ts'
import { isBoundValue } from './derive.ts'
import { boundName } from './bound-cookie.ts'
import { offerLife } from './endpoints.ts'

/**
 * The maximum number of cookies to check, since each may cost a MAC. A sibling domain may plant cookies of this name if
 * it has no prefix; one valid cookie suffices.
 */
const mostCookies = 32

/** What a request proves about the device. `cookies`: the value of the `Cookie` header. */
export function standingOf(
  device: Device,
  cookies: string,
  form: CookieForm,
  now: number,
): Eventually<DeviceStanding> {
  if (device.key === null) return now < device.offeredAt + offerLife ? 'pending' : 'unbound'
  if (device.proofs === 0) return 'pending'
  const values = allForms(form).flatMap((each) =>
    readCookies(cookies, boundName(each), mostCookies),
  )
  return standingBy(device, values, now)
}

function standingBy(
  device: Device,
  [first, ...others]: readonly string[],
  now: number,
): Eventually<DeviceStanding> {
  if (first === undefined) return 'stale'
  const isBound = isBoundValue(device, first, now)
  if (!isPromise(isBound)) return isBound ? 'bound' : standingBy(device, others, now)
  return isBound.then((known) => (known ? 'bound' : standingBy(device, others, now)))
}

/** A bound cookie set under a former cookie name stays valid until it expires. */
export function allForms(form: CookieForm): readonly CookieForm[] {
  return [form, ...form.former]
}

/** The browser's reason for sending no proof. */
export function skippedBy(source: CookieSource): Skipped | null {
  if (source === null || typeof source !== 'object') return null
  const said = source.headers.get('Secure-Session-Skipped') ?? ''
  const [reason] = /\b(?:unreachable|server_error|quota_exceeded)\b/.exec(said) ?? []
  return (reason as Skipped | undefined) ?? null
}
