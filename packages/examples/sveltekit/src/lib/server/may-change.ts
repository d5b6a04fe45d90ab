import type { Handle } from '@sveltejs/kit/hooks'

const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** Refuses what a page of another site sent. */
export const mayChange: Handle = ({ event, resolve }) => {
  if (safeMethods.includes(event.request.method) || isOurs(event.request, event.url))
    return resolve(event)
  return new Response('Another site sent this request', { status: 403 })
}

/**
 * Browsers say where a request comes from, in one of two headers; whoever sends neither is no browser, and
 * holds nobody's cookie but his own. Only hosts are compared: behind a proxy that ends TLS, the scheme that
 * we see is not the browser's.
 */
function isOurs({ headers }: Request, url: URL): boolean {
  const site = headers.get('Sec-Fetch-Site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = headers.get('Origin')
  return origin === null || (URL.canParse(origin) && new URL(origin).host === url.host)
}
