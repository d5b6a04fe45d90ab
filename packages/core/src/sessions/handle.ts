import type { Session } from '../session/session.ts'
import type { LazyRequest } from './lazy-session.ts'

/** The whole of a request. */
export async function handle(
  request: LazyRequest,
  handler: (session: Session<object>) => Response | Promise<Response>,
): Promise<Response> {
  const { session } = await request.opened()
  return request.around(() => handler(session))
}
