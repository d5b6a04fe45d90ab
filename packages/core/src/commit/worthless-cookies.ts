import type { CookieForm } from '../http/cookie.ts'
import { cookieHeader } from '../http/read-token.ts'
import type { CookieSource } from '../http/transport.ts'
import type { SessionStart } from '../session/asked-for.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/**
 * The bound cookies of the request to delete: those of a session that ends, and one that is not a valid proof, because the
 * clocks of two servers differ or because it belongs to another session. As long as the browser has such a cookie, it
 * sends no new proof. Without it, it sends a proof, or is told to forget the key.
 */
export function worthlessCookies(
  { deviceBound }: CommitContext,
  source: CookieSource,
  form: CookieForm | null,
  { outcome }: Written,
  { device, record }: Pick<SessionStart, 'device' | 'record'> = { record: null },
): readonly CookieForm[] {
  if (deviceBound === null || form === null) return none
  const mustProve = device === 'stale' || (device === 'pending' && record?.device?.key)
  if (outcome !== 'destroyed' && !mustProve) return none
  return deviceBound.boundCookies(cookieHeader(source), form)
}

const none: readonly CookieForm[] = []
