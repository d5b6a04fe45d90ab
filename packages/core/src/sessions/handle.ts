import type { OnFailure } from '../http/failure.ts'
import type { Session } from '../session/session.ts'
import { isResponse } from './answer.ts'
import type { LazyRequest } from './lazy-session.ts'
import type { OpenOptions } from './open.ts'

export interface HandleOptions extends OpenOptions {
  /** Answers when a sign-in, a sign-out or a change was not done. Default: the option of `createSessions`. */
  readonly onFailure?: OnFailure
}

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
