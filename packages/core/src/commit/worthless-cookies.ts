import type { CookieForm } from '../http/cookie.ts'
import { cookieHeader } from '../http/read-token.ts'
import type { CookieSource } from '../http/transport.ts'
import type { SessionStart } from '../session/asked-for.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/**
 * The bound cookies of the request that must be deleted: those of a session that ends, and those that are not a valid
 * proof (server clocks differ, or it belongs to another session). A browser that has such a cookie sends no new proof.
 * Without it, the browser sends a proof or is told to forget the key.
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
