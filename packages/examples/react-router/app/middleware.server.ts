import { SessionError } from '@coatcheck/core'
import type { MiddlewareFunction } from 'react-router'

/** The core explains each commit; where no session was asked for, there was none. */
export const explain: MiddlewareFunction<Response> = async (_args, next) => {
  const response = await next()
  if (process.env['EXPLAIN'] !== '1' || response.headers.has('Server-Timing')) return response
  const answer = new Response(response.body, response)
  answer.headers.set('Server-Timing', 'session;desc="unchanged"')
  return answer
}

const statuses: Partial<Record<SessionError['code'], number>> = {
  'unsupported-value': 400,
  'too-large': 413,
  'merge-failed': 409,
}

/** What the API may put in, the core may refuse to save. That is the sender's fault here. */
export const refusals: MiddlewareFunction<Response> = async ({ url }, next) => {
  try {
    return await next()
  } catch (error) {
    const status = error instanceof SessionError ? statuses[error.code] : undefined
    if (status === undefined || !url.pathname.startsWith('/api/')) throw error
    return Response.json({ error: (error as SessionError).message }, { status })
  }
}
