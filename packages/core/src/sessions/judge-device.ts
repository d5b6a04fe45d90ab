import { isPromise } from '../crypto/is-promise.ts'
import type { CommitContext } from '../commit/context.ts'
import { idPrefixOf } from '../events.ts'
import type { CookieForm } from '../http/cookie.ts'
import { cookieHeader } from '../http/read-token.ts'
import type { CookieSource } from '../http/transport.ts'
import type { Found } from '../load/load.ts'
import { withheld } from '../load/load.ts'
import type { DeviceStanding } from '../rules/device-mode.ts'
import { isUnproven } from '../rules/device-mode.ts'

/** A session, and whether the request proves that it comes from the session's device. */
export interface Judged {
  readonly found: Found
  readonly device: DeviceStanding
}

/** Free for a session that is not bound. */
export function judge(
  context: CommitContext,
  found: Found,
  source: CookieSource,
  form: CookieForm | null,
): Judged | Promise<Judged> {
  const device = found.loaded?.record.device
  const { deviceBound, now } = context
  if (device === undefined || deviceBound === null || form === null) {
    return { found, device: 'unbound' }
  }
  const standing = deviceBound.standing(device, cookieHeader(source), form, now())
  return isPromise(standing)
    ? standing.then((known) => judgeAs(context, found, source, known))
    : judgeAs(context, found, source, standing)
}

function judgeAs(
  { deviceBound, onEvent }: CommitContext,
  found: Found,
  source: CookieSource,
  device: DeviceStanding,
): Judged {
  if (device !== 'stale' || found.address === null) return { found, device }
  const idPrefix = idPrefixOf(found.address.id)
  onEvent({ type: 'device.stale', idPrefix, skipped: deviceBound?.skipped(source) ?? null })
  if (!isUnproven(deviceBound?.mode ?? 'prefer', device)) return { found, device }
  return { found: withheld(found, 'unproven'), device }
}
