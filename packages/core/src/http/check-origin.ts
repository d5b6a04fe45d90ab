export interface OriginOptions {
  /** Other origins that may send requests, such as `https://admin.example.com`. Default: none. */
  readonly trusted?: readonly string[]
  /**
   * The app's own origin, as browsers see it. Default: the origin of the request's URL, which is wrong behind a proxy
   * that ends TLS or changes the host.
   */
  readonly origin?: string
}

/** RFC 9110 section 9.2.1. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/**
 * Returns whether a request comes from a page of this origin, against cross-site request forgery. GET, HEAD and OPTIONS
 * always pass. Other methods pass if the browser reports the same origin (`Sec-Fetch-Site: same-origin`, or `none` for
 * an address that the visitor typed), or if `Origin` is the app's own or trusted, scheme and port included. A request
 * with neither header also passes: browsers have sent one of them since 2020, so it is not from a browser and has no
 * visitor's cookie. Throws a TypeError if `trusted` is not an array.
 */
export function checkOrigin(request: Request, options: OriginOptions = {}): boolean {
  const { trusted = [] } = options
  // On a string, `includes` would match substrings: https://app.example.co in https://app.example.com.
  if (!Array.isArray(trusted)) throw new TypeError('checkOrigin: trusted must be a list')
  if (safeMethods.includes(request.method)) return true
  const origin = request.headers.get('Origin')
  if (origin !== null && trusted.includes(origin)) return true
  const site = request.headers.get('Sec-Fetch-Site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  return origin === null || origin === (options.origin ?? new URL(request.url).origin)
}
