import { SessionError } from '../errors.ts'
import type { DeviceMode, DeviceStanding } from '../rules/device-mode.ts'

/**
 * Throws `not-bound` for a session that is bound without a fresh proof, and for one that is not bound unless `fresh`
 * lets it pass. `mode`: `undefined` without the option `deviceBound`.
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
    'The request carries no fresh proof of the device that the session is bound to: have the visitor load the page ' +
      'again, or sign in again',
  )
}
