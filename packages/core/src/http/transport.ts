/** A request, or the value of its `Cookie` header. */
export type CookieSource = Request | string | null | undefined

/** How a request arrived, for callers that open a session with only a `Cookie` header. */
export interface Transport {
  /** Whether the browser sent it over https. Default: read from the request; true for only a `Cookie` header. */
  readonly secure?: boolean
}

/**
 * Whether the browser sent the request over https. The nearest proxy adds the last value of X-Forwarded-Proto; a client
 * can forge the values before it.
 */
export function isSecure(source: CookieSource, trustProxy: boolean): boolean {
  if (source === null || source === undefined || typeof source === 'string') return true
  const said = trustProxy ? source.headers.get('X-Forwarded-Proto') : null
  if (said === null) return new URL(source.url).protocol === 'https:'
  return /(?:^|,)[ \t]*https[ \t]*$/i.test(said)
}

/**
 * Whether a browser sent the request over plain http to a host other than its own machine, as far as the request shows.
 * There, browsers drop a cookie with Secure. A forged header can only suppress a warning.
 */
export function isPlainHttp(source: CookieSource, { secure }: Transport = {}): boolean {
  if (secure !== undefined) return !secure
  if (source === null || source === undefined || typeof source === 'string') return false
  const { protocol, hostname } = new URL(source.url)
  if (protocol !== 'http:' || isLoopback(hostname)) return false
  return !/https/i.test(source.headers.get('X-Forwarded-Proto') ?? '')
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127\..*|\[::1\])$/.test(hostname)
}
