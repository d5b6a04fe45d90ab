import type { RequestEvent } from '@sveltejs/kit'

export type SubRequest = Partial<Pick<RequestEvent, 'isSubRequest' | 'request'>>

const header = 'x-coatcheck-share'

/** Names the session that a sub-request shares; `''`: none. In a request from outside the header means nothing. */
export function shareIdOf({ isSubRequest, request }: SubRequest): string {
  return (isSubRequest && request?.headers.get(header)) || ''
}

/**
 * An `event.fetch` whose requests to this app share the session, even if it is so new that there is no cookie
 * yet; also with `credentials: 'omit'`, because SvelteKit would send the visitor the cookie of a second session.
 */
export function shareWithSubRequests<session>(
  event: RequestEvent,
  session: session,
  shares: Map<string, session>,
): typeof fetch {
  async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input, event.url)
    if (url.origin !== event.url.origin) return event.fetch(input, init)
    const request = new Request(input instanceof Request ? input : url, init)
    const id = crypto.randomUUID()
    request.headers.set(header, id)
    shares.set(id, session)
    return event.fetch(request).finally(() => shares.delete(id))
  }

  return (input, init) => {
    const response = send(input, init)
    // As SvelteKit does: a load that streams this promise need not catch it.
    response.catch(() => {})
    return response
  }
}
