/**
 * The answer to a visitor who followed a link of another site to a session that is `stale` or `unproven`: a page that
 * loads itself again, from this site, before which the browser proves its device. `null`: the request is another one, and
 * would bring no proof the second time either.
 *
 * Browsers do not refresh for requests that other sites begin, because those do not carry the session's cookie.
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
