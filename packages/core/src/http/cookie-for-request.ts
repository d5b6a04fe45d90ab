import type { CookieForm, CookieOptions } from './cookie.ts'
import { readCookieOptions, refuseCookie } from './cookie.ts'
import { checkBoolean, isProduction } from '../check-option.ts'
import { isSecure } from './transport.ts'
import type { CookieSource, Transport } from './transport.ts'

/** The cookie for a request; `null`: it came over plain http, where no cookie is read or set. */
export type CookieChoice = (source: CookieSource, transport?: Transport) => CookieForm | null

const prefix = /^__(?:Host-Http|Host|Http|Secure)-/i

/** Checks the options that apply per request. Throws `invalid-option`. */
export function chooseCookie(options: CookieOptions = {}): CookieChoice {
  const form = readCookieOptions(options)
  const { secure = 'always', trustProxy = false, plainHttp = false } = options
  checkBoolean('cookie.trustProxy', trustProxy)
  if (secure === 'always') {
    if (trustProxy) refuseCookie('trustProxy', "has a meaning with secure: 'per-request' alone")
    return () => form
  }
  if (plainHttp)
    refuseCookie('plainHttp', "goes by each request with secure: 'per-request': leave it out")
  // Otherwise a cookie set over plain http would be accepted over https: a network attacker could plant it.
  if (!prefix.test(form.name)) refuseCookie('name', "needs a prefix with secure: 'per-request'")
  const name = form.name.replace(prefix, '')
  const { secure: _secure, trustProxy: _trustProxy, former: _former, ...rest } = options
  const plain = isProduction() ? null : readCookieOptions({ ...rest, name, plainHttp: true })
  return (source, transport) => ((transport?.secure ?? isSecure(source, trustProxy)) ? form : plain)
}
