import { checkBoolean, isProduction, refuseOption, refuseUnknown } from '../check-option.ts'
import { hideValue } from './hide-value.ts'

/** The session's cookie. The defaults are the safest values. */
export interface CookieOptions {
  /**
   * Default: `__Host-Http-sid`. Browsers accept this name only over https, for one host, and (if they know the prefix)
   * only from a response. With `domain` or another `path` the default is `__Secure-sid`, with `plainHttp` it is `sid`.
   */
  readonly name?: string
  /** Shares the cookie with all subdomains of this domain. Default: this host only. */
  readonly domain?: string
  /** Default: `/`. */
  readonly path?: string
  /** Default: `lax`. `none` sends the cookie with requests from other sites. */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** Keeps a separate cookie for each top-level site that embeds the app (CHIPS). Default: false. */
  readonly partitioned?: boolean
  /**
   * Keeps the cookie of every session when the browser closes, until the session's absolute end. Default: false, as
   * NIST SP 800-63B-4 section 5.1 asks for: the cookie ends with the browser, except after `signIn(subject, { persist:
   * true })`.
   */
  readonly persistent?: boolean
  /**
   * Sets a cookie without Secure and without a name prefix, for development without https. Refused if NODE_ENV is
   * production. Default: false.
   */
  readonly plainHttp?: boolean
  /**
   * `always`: the cookie always has Secure. `per-request`: for requests over https, the same. Over plain http in
   * development, the cookie has no Secure and its name has no prefix. Over plain http in production (NODE_ENV), no
   * cookie is read or set, and the session is `unavailable`. Default: `always`.
   */
  readonly secure?: 'always' | 'per-request'
  /**
   * With `per-request`: uses the last value of X-Forwarded-Proto instead of the request's URL. Set it only if clients
   * can reach the server only through a proxy that sets this header. Default: false.
   */
  readonly trustProxy?: boolean
  /**
   * Former names of the cookie, with the attributes that it was set with. A session that is found by a former cookie
   * continues: the response sets the cookie under its current name, and deletes the former one. The current cookie
   * takes precedence. Remove this option after the longest lifetime. Default: none.
   */
  readonly former?: readonly FormerCookie[]
}

/** A former cookie. Browsers delete a cookie only if its name, domain, path and partition match. */
export interface FormerCookie {
  readonly name: string
  /** Default: this host only. */
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
  /** Seconds; 0 deletes the cookie. Without it, the cookie ends with the browser. */
  readonly maxAge?: number
}

/**
 * A cookie to set, for frameworks with their own cookie API. Its value is a secret: the console and `JSON.stringify` do
 * not show it.
 */
export interface Cookie extends CookieAttributes {
  readonly name: string
  /** The token; empty for a deletion. */
  readonly value: string
  /** The whole cookie, as the value of a `Set-Cookie` header. */
  readonly header: string
}

/** The checked cookie settings. */
export interface CookieForm {
  readonly name: string
  readonly attributes: CookieAttributes
  /** `; Path=/; …`, precomputed. */
  readonly suffix: string
  readonly persistent: boolean
  /** Former cookies, which are read and deleted. */
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

/** An RFC 1123 host name. A leading dot, which no longer has a meaning, is refused. */
const domainGrammar =
  /^(?!.{254})[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i

/**
 * RFC 6265bis section 4.1.1 allows any character except controls and `;`. Parsers disagree about spaces, quotes, commas
 * and backslashes, and browsers send no path that contains one.
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
 * The cookie that gives the browser a token. `age`: seconds until the session's absolute end. `isPersistent`: keeps the
 * cookie when the browser closes, even if the options do not.
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

/** Deletes that cookie. Browsers delete a cookie only if its name, path, domain and partition match. */
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
 * The distinct raw values of the cookies with this name, at most `most`. Callers treat two values as none. The same
 * value twice counts once: a cookie can exist for two paths or domains.
 *
 * Names are compared byte by byte. Only space and tab are stripped: stripping more, or decoding percent signs, would
 * let a sibling subdomain forge a prefixed name (CVE-2020-8184, CVE-2026-39410).
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
    // Searched for only when passed; otherwise a header of semicolons would take quadratic time.
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
