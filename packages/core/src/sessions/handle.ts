import type { Session } from '../session/session.ts'
import type { LazyRequest } from './lazy-request.ts'

/** Handles a whole request. */
export function handle(
  request: LazyRequest,
  handler: (session: Session<object>) => Response | Promise<Response>,
): Promise<Response> {
  return request.around(() => request.opened().then(({ session }) => handler(session)))
}
