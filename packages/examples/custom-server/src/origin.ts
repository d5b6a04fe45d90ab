const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/**
 * Whether a request may change something: not if a page of another site sent it. Browsers say so in one of two
 * headers; a client that sends neither is not a browser, and has no visitor's cookie to abuse.
 */
export function mayChange(request: Request): boolean {
  if (safeMethods.includes(request.method)) return true
  const site = request.headers.get('Sec-Fetch-Site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = request.headers.get('Origin')
  return origin === null || isHostOf(origin, request)
}

/** Hosts only: behind a proxy that ends TLS, the scheme that we see is not the browser's. */
function isHostOf(origin: string, request: Request): boolean {
  return URL.canParse(origin) && new URL(origin).host === new URL(request.url).host
}
