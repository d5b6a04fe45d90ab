import { checkBoolean, isProduction, refuseOption, refuseUnknown } from '../check-option.ts'
import { hideValue } from './hide-value.ts'

/** How the session's cookie is written. The defaults are the safe ones. */
export interface CookieOptions {
  /**
   * Default: `__Host-Http-sid`, which browsers accept only over https, for this host alone, and (where
   * they know the prefix) only from a response. With `domain` or another `path` it is `__Secure-sid`,
   * with `plainHttp` it is `sid`.
   */
  readonly name?: string
  /** Shares the cookie with all subdomains of this domain. Default: this host only. */
  readonly domain?: string
  /** Default: `/`. */
  readonly path?: string
  /** Default: `lax`. `none` sends the cookie with requests from other sites. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** One cookie jar for each top-level site that embeds ours (CHIPS). Default: false. */
  readonly partitioned?: boolean
  /**
   * Keeps the cookie when the browser closes, until the session's absolute end. Default: false, a browser
   * session, as NIST SP 800-63B-4 section 5.1 asks for, unless a sign-in asks for it: `signIn(subject, { persist: true })`.
   */
  readonly persistent?: boolean
  /**
   * For development without https only: a cookie without Secure and without a name prefix. Default:
   * false. Refused when NODE_ENV is production.
   */
  readonly plainHttp?: boolean
  /**
   * `always` (default): the cookie is Secure, however the request arrived. `per-request`: it depends on how the
   * request arrived. Over https nothing changes. Over plain http in development the cookie is a plain one, with
   * the same name without its prefix. Over plain http in production (NODE_ENV) no cookie is read or set: the
   * session is `unavailable`.
   */
  readonly secure?: 'always' | 'per-request'
  /**
   * With `per-request`: trust the last value of X-Forwarded-Proto more than the request's URL. Only for servers
   * that can be reached through a proxy that sets it, and in no other way. Default: false.
   */
  readonly trustProxy?: boolean
  /**
   * Names that the cookie had before, with the attributes that it was set with. A session that is found by one of them
   * goes on, and its response sets the cookie under its present name and deletes the former one. The present cookie comes
   * first. Leave this out again after the longest lifetime. Default: none.
   */
  readonly former?: readonly FormerCookie[]
}

/** A cookie of before. Browsers delete only what matches in name, domain, path and partition. */
export interface FormerCookie {
  readonly name: string
  /** Default: the host alone. */
  readonly domain?: string
  /** Default: `/`. */
  readonly path?: string
  /** Default: false. */
  readonly partitioned?: boolean
}

export interface CookieAttributes {
  readonly path: string
  readonly domain?: string
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly partitioned: boolean
  /** Seconds; 0 deletes. Without it the cookie lasts as long as the browser's session. */
  readonly maxAge?: number
}

/**
 * A cookie to be set, for frameworks that keep cookies to themselves. Its value is a secret: the console and
 * `JSON.stringify` do not show it.
 */
export interface Cookie extends CookieAttributes {
  readonly name: string
  /** The token; empty for a deletion. */
  readonly value: string
  /** The same as a `Set-Cookie` header's value. */
  readonly header: string
}

/** The cookie's settings, checked. */
export interface CookieForm {
  readonly name: string
  readonly attributes: CookieAttributes
  /** `; Path=/; …`, joined once. */
  readonly suffix: string
  readonly persistent: boolean
  /** Of before: they are read, and deleted. */
  readonly former: readonly CookieForm[]
}

/** RFC 6265bis section 5.6: browsers cap Max-Age at 400 days. In seconds. */
export const maxCookieAge = 34_560_000

const known = [
  'name',
  'domain',
  'path',
  'sameSite',
  'partitioned',
  'persistent',
  'plainHttp',
  'secure',
  'trustProxy',
  'former',
]

/** RFC 9110 section 5.6.2: a cookie's name is a token. */
const tokenGrammar = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** RFC 1123 host name; a leading dot has no meaning any more and is refused. */
const domainGrammar =
  /^(?!.{254})[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i

/**
 * RFC 6265bis section 4.1.1 allows any character but controls and `;`. Blanks, quotes, commas and backslashes
 * are read differently by different parsers, and stand in no path that a browser sends.
 */
const pathGrammar = /^\/[!#-+\--:<-[\]-~]{0,1023}$/

/** Checks the options. Throws `invalid-option` for every combination that browsers would refuse. */
export function readCookieOptions(options: CookieOptions = {}): CookieForm {
  refuseUnknown('cookie', options, known)
  const attributes = readAttributes(options)
  const name = options.name ?? defaultName(attributes)
  checkName(name, attributes)
  const { persistent = false, secure = 'always' } = options
  if (secure !== 'always' && secure !== 'per-request') {
    refuseCookie('secure', "must be 'always' or 'per-request': it cannot be switched off")
  }
  checkBoolean('cookie.persistent', persistent)
  const former = readFormers(options, attributes, name)
  return { name, attributes, suffix: writeAttributes(attributes), persistent, former }
}

function readFormers(
  { former = [] }: CookieOptions,
  { secure, sameSite }: CookieAttributes,
  present: string,
): readonly CookieForm[] {
  if (!Array.isArray(former)) refuseCookie('former', 'must be an array of former cookies')
  return (former as readonly FormerCookie[]).map((each, at) => {
    const place = `former[${at}]`
    refuseUnknown(`cookie.${place}`, each, ['name', 'domain', 'path', 'partitioned'])
    if (typeof each.name !== 'string') refuseCookie(`${place}.name`, 'must be text')
    if (each.name === present) {
      const remedy = 'with other attributes, give the cookie another name'
      refuseCookie(`${place}.name`, `is the present name: ${remedy}`)
    }
    const plainHttp = !secure && !each.name.startsWith('__') && each.partitioned !== true
    return readCookieOptions({ ...each, sameSite, plainHttp })
  })
}

function readAttributes(options: CookieOptions): CookieAttributes {
  const { domain, path = '/', partitioned = false } = options
  const sameSite = readSameSite(options.sameSite ?? 'lax')
  const secure = !readPlainHttp(options.plainHttp ?? false)
  checkBoolean('cookie.partitioned', partitioned)
  if (typeof path !== 'string' || !pathGrammar.test(path)) {
    refuseCookie(
      'path',
      'must begin with /, as browsers send it: without ; , " \\ blanks and controls',
    )
  }
  if (domain !== undefined && (typeof domain !== 'string' || !domainGrammar.test(domain))) {
    refuseCookie('domain', 'must be a host name such as example.com, without a leading dot')
  }
  if (!secure && sameSite === 'none') refuseCookie('sameSite', 'none needs https')
  if (!secure && partitioned) refuseCookie('partitioned', 'needs https')
  return {
    path,
    ...(domain && { domain }),
    httpOnly: true,
    secure,
    sameSite,
    partitioned,
  }
}

/** `option`: its name below `cookie`. */
export function refuseCookie(option: string, what: string): never {
  return refuseOption(`cookie.${option}`, what)
}

function readSameSite(value: string): 'lax' | 'strict' | 'none' {
  const lower = String(value).toLowerCase()
  if (lower === 'lax' || lower === 'strict' || lower === 'none') return lower
  return refuseCookie('sameSite', 'must be lax, strict or none')
}

function readPlainHttp(value: boolean): boolean {
  checkBoolean('cookie.plainHttp', value)
  if (value && isProduction()) {
    refuseCookie('plainHttp', 'is for development, and NODE_ENV is production: use https')
  }
  return value
}

function defaultName({ secure, domain, path }: CookieAttributes): string {
  if (!secure) return 'sid'
  return domain === undefined && path === '/' ? '__Host-Http-sid' : '__Secure-sid'
}

function checkName(name: string, { secure, domain, path }: CookieAttributes): void {
  if (typeof name !== 'string' || !tokenGrammar.test(name) || name.length > 256) {
    refuseCookie('name', "must be 1 to 256 letters, digits or any of !#$%&'*+-.^_`|~")
  }
  const lower = name.toLowerCase()
  if (/^__(secure|http|host)-/.test(lower) && !secure) {
    refuseCookie('name', 'has a prefix that browsers accept over https alone: choose a plain name')
  }
  if (lower.startsWith('__host-') && (domain !== undefined || path !== '/')) {
    refuseCookie('name', 'begins with __Host-, which allows no domain and no path but /')
  }
}

function writeAttributes(attributes: CookieAttributes): string {
  const { path, domain, secure, sameSite, partitioned } = attributes
  const parts = ['', `Path=${path}`]
  if (domain !== undefined) parts.push(`Domain=${domain}`)
  parts.push('HttpOnly')
  if (secure) parts.push('Secure')
  parts.push(`SameSite=${{ lax: 'Lax', strict: 'Strict', none: 'None' }[sameSite]}`)
  if (partitioned) parts.push('Partitioned')
  return parts.join('; ')
}

/**
 * The cookie that hands out a token. `age`: seconds until the session's absolute end. `isPersistent`: it stays when the
 * browser closes, whatever the options say.
 */
export function writeCookie(
  form: CookieForm,
  token: string,
  age: number,
  isPersistent = false,
): Cookie {
  const isKept = form.persistent || isPersistent
  return isKept ? withAge(form, token, Math.min(age, maxCookieAge)) : plain(form, token)
}

/** The cookie that takes it back: browsers delete only what matches in name, path, domain and partition. */
export function deleteCookie(form: CookieForm): Cookie {
  return withAge(form, '', 0)
}

function plain({ name, attributes, suffix }: CookieForm, value: string): Cookie {
  return hideValue({ name, value, ...attributes, header: `${name}=${value}${suffix}` })
}

function withAge(form: CookieForm, value: string, maxAge: number): Cookie {
  const cookie = plain(form, value)
  return Object.assign(cookie, { maxAge, header: `${cookie.header}; Max-Age=${maxAge}` })
}

/**
 * The different raw values of the cookies with this name, two at most unless told: two count as none. One value may come
 * twice: a cookie may be there for two paths or domains.
 *
 * Names are compared byte by byte, as they stand. Only space and tab are stripped: stripping more, or
 * decoding percent signs, lets a sibling subdomain forge a prefixed name (CVE-2020-8184,
 * CVE-2026-39410).
 */
export function readCookies(header: string, name: string, most = 2): readonly string[] {
  const values: string[] = []
  let at = 0
  let equals = header.indexOf('=')
  while (equals >= 0 && values.length < most) {
    const semicolon = header.indexOf(';', at)
    const end = semicolon < 0 ? header.length : semicolon
    if (equals < end && strip(header, at, equals) === name) {
      values.push(strip(header, equals + 1, end))
      const last = values.length - 1
      if (values.indexOf(values[last] as string) < last) values.pop()
    }
    at = end + 1
    // Not looked for again while it lies ahead, or a header of semicolons would take quadratic time.
    if (equals < at) equals = header.indexOf('=', at)
  }
  return values
}

function strip(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (from < to && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
