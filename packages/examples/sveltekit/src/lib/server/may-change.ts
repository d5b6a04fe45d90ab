import type { Handle } from '@sveltejs/kit/hooks'

const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

/** Refuses a change that a page of another site sent. */
export const mayChange: Handle = ({ event, resolve }) => {
  if (safeMethods.includes(event.request.method) || isSameSite(event.request, event.url))
    return resolve(event)
  return new Response('Another site sent this request', { status: 403 })
}

/**
 * A browser sends the origin of a request in one of two headers. A client that sends neither is not a browser, so
 * no other site can make it send a cookie. Only hosts are compared: behind a proxy that ends TLS, the request has
 * another scheme than in the browser.
 */
function isSameSite({ headers }: Request, url: URL): boolean {
  const site = headers.get('Sec-Fetch-Site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = headers.get('Origin')
  return origin === null || (URL.canParse(origin) && new URL(origin).host === url.host)
}
