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
 * Makes a request listener for `createServer`. Every request has a session: `await request.session.get()`. Changes are
 * saved before the headers are sent. If the handler throws, the changes are dropped, `onError` gets the error, and the
 * response is a 500 if nothing was sent.
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
