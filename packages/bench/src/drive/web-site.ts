import type { Site } from '../contenders/contender.ts'
import type { Route } from '../work.ts'

export const origin = 'https://app.example/'

export type WebHandler = (request: Request) => Response | Promise<Response>

/** A server that uses Request and Response. */
export function webSite(handler: WebHandler, close: () => unknown = () => {}): Site {
  return {
    async send(_, route, cookie, query) {
      const url = query === undefined ? origin + route : `${origin}${route}?${query}`
      const request =
        cookie === undefined ? new Request(url) : new Request(url, { headers: { cookie } })
      const response = await handler(request)
      return {
        status: response.status,
        setCookies: () => response.headers.getSetCookie(),
        text: () => response.text(),
      }
    },
    close,
  }
}

/** The cheapest way to distinguish routes. */
export function routeOf({ url }: Request): Route {
  const end = url.indexOf('?')
  return url.slice(origin.length, end === -1 ? undefined : end) as Route
}

/** The `k` of `?k=7`. */
export const addedKeyOf = ({ url }: { readonly url: string }): string =>
  `k${url.slice(url.indexOf('?k=') + 3)}`

export const answerText = (value: unknown): Response => new Response(String(value))

export const noSession = (): Response => new Response('none', { status: 404 })
