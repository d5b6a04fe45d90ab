import type { RequestSession, Sessions } from '@coatcheck/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { report, tell } from './report.ts'
import type { NodeOptions } from './node-session.ts'
import { attach } from './node-session.ts'

/** A request of `node:http` with its session. */
export type SessionRequest<data extends object> = IncomingMessage & {
  readonly session: RequestSession<data>
}

/**
 * A request listener for `createServer`, whose requests have a session: `await request.session.get()`. What changed is
 * saved before the headers leave. An error that the handler throws drops the changes, is given to `onError`, and is
 * answered by a 500 if nothing was sent.
 */
export function withSession<data extends object>(
  sessions: Pick<Sessions<data>, 'lazy'>,
  handler: (request: SessionRequest<data>, response: ServerResponse) => unknown,
  options: NodeOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const onError = options.onError ?? report
  return (request, response) => {
    const session = attach(sessions, request, response, options)
    const run = async (): Promise<unknown> => handler(request as SessionRequest<data>, response)
    run().catch((error: unknown) => {
      tell(onError, error)
      session.fail()
    })
  }
}
