import type { CookieForm } from '../http/cookie.ts'
import { cookieHeader } from '../http/read-token.ts'
import type { CookieSource } from '../http/transport.ts'
import type { SessionStart } from '../session/asked-for.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/**
 * The bound cookies of the request that are to be deleted: with a session that ends, and one that is no proof, because the
 * clocks of two servers differ, or it is that of another session. The browser keeps it, and gives no proof as long as it
 * has one. If it misses it, it asks for one, or is told to forget the key.
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
