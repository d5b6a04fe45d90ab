export interface OriginOptions {
  /** Origins that may send requests besides our own, such as `https://admin.example.com`. Default: no others. */
  readonly trusted?: readonly string[]
  /**
   * Our own origin, as browsers see it. Default: that of the request's URL, which is wrong behind a proxy
   * that ends TLS or changes the host.
   */
  readonly origin?: string
}

/** RFC 9110 section 9.2.1. */
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/**
 * Whether a request that changes something comes from a page of this origin. Safe methods always pass. Any
 * other method passes if the browser reports this origin (`Sec-Fetch-Site: same-origin`, or `none` for an
 * address that the visitor typed), or if `Origin` is this one or trusted, scheme and port included. A request
 * with neither header is not from a browser (all of them send one since 2020), so it carries no visitor's
 * cookie, and passes. Throws a TypeError if `trusted` is no list.
 */
export function checkOrigin(request: Request, options: OriginOptions = {}): boolean {
  const { trusted = [] } = options
  // In a text, `includes` would find a part of it: https://app.example.co in https://app.example.com.
  if (!Array.isArray(trusted)) throw new TypeError('checkOrigin: trusted must be a list')
  if (safeMethods.includes(request.method)) return true
  const origin = request.headers.get('Origin')
  if (origin !== null && trusted.includes(origin)) return true
  const site = request.headers.get('Sec-Fetch-Site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  return origin === null || origin === (options.origin ?? new URL(request.url).origin)
}
