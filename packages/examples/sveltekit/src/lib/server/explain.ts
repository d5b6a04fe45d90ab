import type { Handle } from '@sveltejs/kit/hooks'

/** The core explains each commit; where no session was asked for, there was none. */
export const explain: Handle = async ({ event, resolve }) => {
  const response = await resolve(event)
  if (process.env['EXPLAIN'] !== '1' || response.headers.has('Server-Timing')) return response
  const answer = new Response(response.body, response)
  answer.headers.set('Server-Timing', 'session;desc="unchanged"')
  return answer
}
