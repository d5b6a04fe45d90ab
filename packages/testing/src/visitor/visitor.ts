import type { CookieJar } from './cookie-jar.ts'
import { createCookieJar } from './cookie-jar.ts'

/** An application, or a client of a running one such as `(request) => fetch(request)`. */
export type FetchHandler = (request: Request) => Promise<Response> | Response

export interface VisitorOptions {
  /**
   * The origin of the requests. A function is called for each request: for a server whose port is known only
   * when the tests run. Default: `https://app.example`.
   */
  readonly origin?: string | (() => string)
  /** The cookies to start with. Default: an empty jar. */
  readonly jar?: CookieJar
}

/** A browser reduced to its cookies: keeps those that responses set, and sends them with later requests. */
export interface Visitor {
  /** The `Cookie` header of the next request; empty if there are no cookies. */
  readonly cookie: string
  /**
   * Sends a request to a path and returns the response. Does not follow redirects, unless `init` says so. A
   * `Cookie` header in `init` is sent instead of the jar's cookies.
   */
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  /**
   * A visitor with the same cookies, which from then on changes them independently: like a request that was
   * sent before a logout and is still running.
   */
  readonly copy: () => Visitor
}

/** Creates a visitor of an application. */
export function createVisitor(app: FetchHandler, options: VisitorOptions = {}): Visitor {
  const { origin = 'https://app.example', jar = createCookieJar() } = options
  return {
    get cookie() {
      return jar.header
    },
    async fetch(path, init = {}) {
      const url = new URL(path, typeof origin === 'string' ? origin : origin())
      const headers = new Headers(init.headers)
      if (jar.header !== '' && !headers.has('Cookie')) headers.set('Cookie', jar.header)
      const response = await app(new Request(url, { redirect: 'manual', ...init, headers }))
      jar.update(response)
      return response
    },
    copy: () => createVisitor(app, { origin, jar: jar.copy() }),
  }
}
