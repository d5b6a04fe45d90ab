import { createCookieJar } from '../visitor/cookie-jar.ts'
import { parsePair } from '../visitor/set-cookie.ts'

/** A cookie as `context.addCookies` of Playwright and `browser.setCookie` of Puppeteer take it. */
export interface BrowserCookie {
  readonly name: string
  readonly value: string
  /** The page that it is for: its host and its scheme. */
  readonly url: string
  readonly httpOnly: boolean
  readonly secure: boolean
  readonly sameSite: 'Lax'
}

/**
 * The cookies of a `Cookie` header, for a browser in a test: `context.addCookies(browserCookies(cookie, url))`. They
 * are Secure if `url` is https. Over plain http a browser takes no cookie with the name prefix of the defaults: give
 * `createSessions` the option `cookie.plainHttp` there, as in development.
 * @throws {TypeError} if `url` is no address, or if it is plain http and a cookie's name has a prefix
 */
export function browserCookies(cookie: string, url: string): BrowserCookie[] {
  const { protocol, origin } = new URL(url)
  const secure = protocol === 'https:'
  const pairs = createCookieJar(cookie).header.split('; ').filter(Boolean).map(parsePair)
  return pairs.map(([name, value]) => {
    if (!secure && /^__(host|secure|http)-/i.test(name)) {
      throw new TypeError(
        `browserCookies: no browser takes ${name} over plain http: use https, or cookie.plainHttp`,
      )
    }
    return { name, value, url: `${origin}/`, httpOnly: true, secure, sameSite: 'Lax' }
  })
}
