import type { MiddlewareFunction } from 'react-router'

/** The core explains each commit; where no session was asked for, there was none. */
export const explain: MiddlewareFunction<Response> = async (_args, next) => {
  const response = await next()
  if (process.env['EXPLAIN'] !== '1' || response.headers.has('Server-Timing')) return response
  const answer = new Response(response.body, response)
  answer.headers.set('Server-Timing', 'session;desc="unchanged"')
  return answer
}
