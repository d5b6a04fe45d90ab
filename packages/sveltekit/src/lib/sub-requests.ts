import type { RequestEvent } from '@sveltejs/kit'
import type { Visit } from './visit.ts'

/** Names the visit for which `event.fetch` makes a request. */
const header = 'x-coatcheck-visit'

/** The ticket of a request that never left this process: from outside, the header means nothing. */
export function ticketOf({ isSubRequest, request }: RequestEvent): string {
  return (isSubRequest && request.headers.get(header)) || ''
}

/**
 * An `event.fetch` whose requests to this app find the visit under their ticket, so that they share its
 * session, even one that no cookie was sent for yet; also with `credentials: 'omit'`, because SvelteKit would
 * hand the cookie of a second session on to the visitor.
 */
export function shareWithSubRequests<data extends object>(
  event: RequestEvent,
  visit: Visit<data>,
  tickets: Map<string, Visit<data>>,
): typeof fetch {
  async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input, event.url)
    if (url.origin !== event.url.origin) return event.fetch(input, init)
    const ticket = crypto.randomUUID()
    tickets.set(ticket, visit)
    try {
      const headers = new Headers(input instanceof Request ? input.headers : init?.headers)
      headers.set(header, ticket)
      if (input instanceof Request) return await event.fetch(new Request(input, { headers }))
      return await event.fetch(input, { ...init, headers })
    } finally {
      tickets.delete(ticket)
    }
  }

  return (input, init) => {
    const response = send(input, init)
    // As SvelteKit does: who streams this promise need not catch it.
    response.catch(() => {})
    return response
  }
}
