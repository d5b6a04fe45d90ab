import { SessionError } from '../errors.ts'
import type { DeviceMode, DeviceStanding } from '../rules/device-mode.ts'

/**
 * Throws `not-bound` if the session is bound but has no fresh proof, or is not bound and `fresh` is `null`. Otherwise
 * an unbound session passes if `fresh` does not throw. `mode`: `undefined` without the option `deviceBound`.
 */
export function checkBound(
  device: DeviceStanding | undefined,
  mode: DeviceMode | undefined,
  fresh: (() => void) | null,
): void {
  if (device === 'bound' || mode === 'observe') return
  if (device === 'stale' || fresh === null) refuseUnbound()
  fresh()
}

export function refuseUnbound(): never {
  throw new SessionError(
    'not-bound',
    'The request has no fresh proof of the device of its session: have the visitor load the page again, or sign in',
  )
}
