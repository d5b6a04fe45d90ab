import type { CookieForm } from '../http/cookie.ts'

/**
 * The name of the bound cookie that accompanies a session cookie. Chromium 156 does not bind cookies whose names begin
 * with `__Host-Http-` or `__Http-`; the replacement prefixes require the same, except for HttpOnly.
 */
export function boundName({ name }: CookieForm): string {
  const plain = name.replace(/^__Host-Http-/i, '__Host-').replace(/^__Http-/i, '__Secure-')
  return `${plain}-bound`
}

/** The bound cookie that accompanies a session cookie, with the same attributes. */
export function boundForm(form: CookieForm): CookieForm {
  return { ...form, name: boundName(form), persistent: true }
}
