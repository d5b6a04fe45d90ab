import type { CookieSource } from '@coatcheck/core'
import type { IncomingMessage } from 'node:http'

/** The parts of a request that the core reads: the cookie, prefetches, and whether it came over https. */
export function sourceOf(request: IncomingMessage): CookieSource {
  return {
    get url() {
      return urlOf(request)
    },
    headers: {
      get(name: string) {
        const value = request.headers[name.toLowerCase()]
        return value === undefined ? null : String(value)
      },
    },
  } as Request
}

/** Without the path, because only scheme and host matter here. Clients can send any Host. */
function urlOf({ socket, headers }: IncomingMessage): string {
  const url = `${'encrypted' in socket ? 'https' : 'http'}://${headers.host ?? 'localhost'}/`
  return URL.canParse(url) ? url : 'http://localhost/'
}
