import type { CookieForm } from '../http/cookie.ts'

/**
 * The name of the bound cookie beside a session's cookie. Chromium 156 binds no cookie whose name begins with `__Host-Http-`
 * or `__Http-`; the prefixes that are left ask for the same, but for HttpOnly.
 */
export function boundName({ name }: CookieForm): string {
  const plain = name.replace(/^__Host-Http-/i, '__Host-').replace(/^__Http-/i, '__Secure-')
  return `${plain}-bound`
}

/** The bound cookie beside a session's cookie: it has the same attributes. */
export function boundForm(form: CookieForm): CookieForm {
  return { ...form, name: boundName(form), persistent: true }
}
