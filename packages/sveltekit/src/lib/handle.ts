import type { Committed, Sessions } from '@coatcheck/core'
import type { RequestEvent } from '@sveltejs/kit'
import { shareWithSubRequests, ticketOf } from './sub-requests.ts'
import { startVisit } from './visit.ts'
import type { Visit } from './visit.ts'

/** SvelteKit's `Handle`, which is to be imported from another place in SvelteKit 2 than in 3. */
export type Handle = (input: {
  readonly event: RequestEvent
  readonly resolve: (event: RequestEvent) => Response | Promise<Response>
}) => Promise<Response>

/**
 * The hook for `src/hooks.server.ts`: `export const handle = createHandle(sessions)`.
 *
 * Saves the session when the page or endpoint has made its response, and sets the cookie. A request that
 * never asks for the session costs no trip. A `redirect` that a later hook throws is an answer, and the
 * session is saved; when a hook throws anything else, the changes are dropped, but a `destroy` asked for is
 * carried out. What a load, action or endpoint throws has become a response before it comes here, so the
 * session is saved: see `discard`. Rejects with a `SessionError` when the session holds what cannot be kept.
 *
 * In a `sequence` put it first: a hook before it has no session, and must pass on the `Set-Cookie` of the
 * response that it is given.
 */
export function createHandle<data extends object>(sessions: Sessions<data>): Handle {
  const tickets = new Map<string, Visit<data>>()

  return async ({ event, resolve }) => {
    const shared = tickets.get(ticketOf(event))
    const visit = shared ?? startVisit(sessions, event.request, isPrerendering(event))
    Object.assign(event.locals, { session: visit })
    const sharing = { ...event, fetch: shareWithSubRequests(event, visit, tickets) }
    if (shared) return resolve(sharing)

    // SvelteKit puts one that throws in its place once there is a response, but goes on to read this one's.
    const setCookie = event.cookies.set
    let response: Response
    try {
      response = await resolve(sharing)
    } catch (thrown) {
      if (!isRedirect(thrown)) visit.discard()
      const cookie = (await visit.end())?.cookie
      if (cookie) setCookie(cookie.name, cookie.value, cookie)
      throw thrown
    }
    const committed = await visit.end()
    return committed ? apply(committed, event, response) : response
  }
}

function apply(committed: Committed, event: RequestEvent, response: Response): Response {
  const redirects = committed.cookie !== null && event.isDataRequest && isRedirect(response)
  return committed.applyTo(redirects ? asData(response) : response)
}

/**
 * What SvelteKit makes of a redirect when a script asked for a page's data, but with the cookies, which it
 * drops. Throwing a redirect would keep them, but the app's copy of SvelteKit need not be the one that we
 * would import.
 */
function asData(response: Response): Response {
  const { status, headers } = response
  const kept = new Headers({ 'Cache-Control': 'private, no-store' })
  for (const cookie of headers.getSetCookie()) kept.append('Set-Cookie', cookie)
  return Response.json(
    { type: 'redirect', status, location: headers.get('Location') },
    { headers: kept },
  )
}

/** A response, or what SvelteKit's `redirect` throws. */
function isRedirect(value: unknown): boolean {
  const { status, location, headers } = (value ?? {}) as Partial<Response & { location: string }>
  if (status === undefined || status < 300 || status > 308) return false
  return (headers?.get('Location') ?? location) !== undefined
}

/** SvelteKit closes `url.search` then; `building` has to be imported from another place in 2 than in 3. */
function isPrerendering({ url }: RequestEvent): boolean {
  return Object.hasOwn(url, 'search')
}
