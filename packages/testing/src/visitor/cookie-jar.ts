import { parsePair, parseSetCookie } from './set-cookie.ts'

/**
 * Keeps cookies by name. It sends each cookie with every request: it ignores `Domain`, `Path` and `Secure`, so
 * that a test can use production cookies over plain http.
 */
export interface CookieJar {
  /** The `Cookie` header to send; empty if the jar is empty. */
  readonly header: string
  /** The value of a cookie; `undefined` if the jar has none of that name. */
  readonly get: (name: string) => string | undefined
  /**
   * Takes over the `Set-Cookie` lines of a response. A line whose `Max-Age` is 0 or less, or whose `Expires` is
   * in the past, deletes its cookie.
   */
  readonly update: (response: Response) => void
  /** A jar with the same cookies. Later changes of one do not affect the other. */
  readonly copy: () => CookieJar
}

/** A cookie jar that holds the cookies of a `Cookie` header. Default: empty. */
export function createCookieJar(header = ''): CookieJar {
  const pairs = header.split(';').map(parsePair)
  return jarOf(new Map(pairs.filter(([name, value]) => name !== '' || value !== '')))
}

function jarOf(cookies: Map<string, string>): CookieJar {
  return {
    get header() {
      return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    },
    get: (name) => cookies.get(name),
    update(response) {
      for (const line of response.headers.getSetCookie()) apply(cookies, line)
    },
    copy: () => jarOf(new Map(cookies)),
  }
}

function apply(cookies: Map<string, string>, line: string): void {
  const { name, value, attributes } = parseSetCookie(line)
  if (isExpired(attributes)) cookies.delete(name)
  else cookies.set(name, value)
}

/** `Max-Age` wins over `Expires`; an unreadable value is ignored (RFC 6265, 5.2 and 5.3). */
function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get('max-age') ?? ''
  if (/^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0
  return Date.parse(attributes.get('expires') ?? '') <= Date.now()
}
