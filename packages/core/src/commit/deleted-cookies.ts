import type { CookieForm } from '../http/cookie.ts'
import { cookieHeader } from '../http/read-token.ts'
import type { CookieSource } from '../http/transport.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/**
 * What is deleted beside the session's cookie: the cookies of before, and the bound cookie with a session that ends. A
 * browser that misses its bound cookie asks for it, and is told to forget the key.
 */
export function deletedCookies(
  { deviceBound }: CommitContext,
  source: CookieSource,
  form: CookieForm | null,
  { outcome }: Written,
  former: readonly CookieForm[] | undefined,
): readonly CookieForm[] | undefined {
  if (deviceBound === null || form === null || outcome !== 'destroyed') return former
  return [...(former ?? []), ...deviceBound.boundCookies(cookieHeader(source), form)]
}
