import { isToken } from '../crypto/token.ts'
import type { OnEvent } from '../events.ts'
import { readCookies } from './cookie.ts'
import type { CookieForm } from './cookie.ts'
import { setCookiesOf } from './headers.ts'
import type { CookieSource } from './transport.ts'

/** The token in the request's cookie; `null` without a cookie, or if its value is not a token. */
export function readToken(
  source: CookieSource,
  { name }: CookieForm,
  onEvent: OnEvent,
): string | null {
  const values = readCookies(cookieHeader(source), name)
  const [token] = values
  if (token === undefined) return null
  if (values.length > 1) onEvent({ type: 'token.duplicate' })
  else if (isToken(token)) return token
  else onEvent({ type: 'token.malformed' })
  return null
}

/** The session cookies of a request. */
export interface Presented {
  readonly token: string | null
  /** The cookie that contains the token, or would contain it. */
  readonly form: CookieForm
  /** The former cookies in the request. */
  readonly former: readonly CookieForm[]
}

const noForms: readonly CookieForm[] = []

/** The token in the request's cookie, or without that cookie, in a former cookie. */
export function readPresented(source: CookieSource, form: CookieForm, onEvent: OnEvent): Presented {
  const token = readToken(source, form, onEvent)
  if (form.former.length === 0) return { token, form, former: noForms }
  const header = cookieHeader(source)
  const former = form.former.filter(({ name }) => readCookies(header, name).length > 0)
  if (token === null && readCookies(header, form.name).length === 0) {
    for (const each of former) {
      const found = readToken(source, each, onEvent)
      if (found !== null) return { token: found, form: each, former }
    }
  }
  return { token, form, former }
}

/** Whether a response already sets a token: a nested handler may have created a session. */
export function setsToken(response: Response | undefined, form: CookieForm | null): boolean {
  if (response === undefined || form === null) return false
  return setCookiesOf(response.headers).some((line) => readCookies(line, form.name).some(isToken))
}

/**
 * The value of the Cookie header; empty if there is none. Throws a TypeError if the source is neither a request nor
 * text.
 */
export function cookieHeader(source: CookieSource): string {
  if (typeof source === 'string') return source
  if (source === null || source === undefined) return ''
  if (typeof source.headers?.get === 'function') return source.headers.get('Cookie') ?? ''
  throw new TypeError(
    'sessions: give a Request, or the value of its Cookie header (Node: req.headers.cookie)',
  )
}
