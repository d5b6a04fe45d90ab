import type { Cookie } from './cookie.ts'

/**
 * The response with our cookie, next to every other `Set-Cookie` that it has; `explain` adds what the
 * commit did. A new Response where the old one's headers cannot be changed: those of `fetch()` and
 * `Response.redirect()` cannot.
 */
export function applyToResponse(
  response: Response,
  cookie: Cookie | null,
  explain: string | null,
): Response {
  if (cookie === null && explain === null) return response
  try {
    addHeaders(response.headers, cookie, explain)
    return response
  } catch {
    const copy = new Response(response.body, response)
    addHeaders(copy.headers, cookie, explain)
    return copy
  }
}

function addHeaders(headers: Headers, cookie: Cookie | null, explain: string | null): void {
  if (explain !== null) headers.append('Server-Timing', `session;desc="${explain}"`)
  if (cookie !== null) headers.append('Set-Cookie', cookie.header)
}
