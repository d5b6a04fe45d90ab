/**
 * Answers a visitor who followed a link from another site and whose session is `stale` or `unproven`: with a page that
 * reloads itself. The reload comes from this site, so the browser first proves its device. Returns `null` for any other
 * request: a reload would not bring a proof.
 *
 * Browsers send no proof before requests that other sites begin, because those do not carry the bound cookie.
 */
export function reloadForProof({ method, headers }: Request): Response | null {
  const site = headers.get('Sec-Fetch-Site')
  const isOthers = site === 'cross-site' || site === 'same-site'
  if (method !== 'GET' || !isOthers || headers.get('Sec-Fetch-Mode') !== 'navigate') return null
  return new Response('<!doctype html><title>One moment</title>', {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'private, no-store',
      Vary: 'Cookie, Sec-Fetch-Site',
      Refresh: '0',
    },
  })
}
