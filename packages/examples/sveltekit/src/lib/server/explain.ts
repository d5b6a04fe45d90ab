import type { Handle } from '@sveltejs/kit/hooks'

/** The core adds Server-Timing after a commit. Without a session there is none. */
export const explain: Handle = async ({ event, resolve }) => {
  const response = await resolve(event)
  if (process.env['EXPLAIN'] !== '1' || response.headers.has('Server-Timing')) return response
  const copy = new Response(response.body, response)
  copy.headers.set('Server-Timing', 'session;desc="unchanged"')
  return copy
}
