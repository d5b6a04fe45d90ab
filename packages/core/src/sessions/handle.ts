import type { Session } from '../session/session.ts'
import { isResponse } from './answer.ts'
import type { LazyRequest } from './lazy-session.ts'

/** The whole of a request. */
export async function handle(
  request: LazyRequest,
  handler: (session: Session<object>) => Response | Promise<Response>,
): Promise<Response> {
  const { session } = await request.opened()
  return request.around(async () => {
    const response = await handler(session)
    if (isResponse(response)) return response
    throw new TypeError('sessions.handle: the handler must return a Response')
  })
}
