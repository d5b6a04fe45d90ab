import { isResponse } from './answer.ts'
import type { LazyRequest } from './lazy-request.ts'
import type { LazyOptions, RequestSession } from './lazy-session.ts'
import type { HandleOptions } from './open.ts'

/**
 * Makes a fetch handler: what `Bun.serve`, `Deno.serve`, Workers and others serve. The handler gets the session of the
 * request, which is opened by `await session.get()`, so that a request without it makes no trip, and what else the server
 * passes: `env`, `ctx`, `server`, `info`.
 *
 * What changed is saved before the response is returned. A Response that is thrown is returned, with the cookie. Any
 * other throw drops the changes and is thrown on; a `destroy` is carried out all the same.
 *
 * An upgrade (a response with the status 101, or `undefined` after `server.upgrade()` of Bun) is let through if the
 * session was only read, or committed before. Otherwise a TypeError says what to do, and the changes are dropped,
 * because the cookie could not be sent.
 */
export type Fetch<data extends object> = <
  request extends Request,
  answer extends Response | undefined | void,
  rest extends unknown[],
>(
  handler: (
    request: request,
    session: RequestSession<data>,
    ...rest: rest
  ) => answer | Promise<answer>,
  options?: HandleOptions,
) => (request: request, ...rest: rest) => Promise<answer | Response>

export function fetchHandler(
  lazy: (source: Request, options?: LazyOptions) => LazyRequest,
): Fetch<object> {
  return (handler, options) =>
    async (request, ...rest) => {
      const session = lazy(request, options)
      const answer = await settle(session, async () => handler(request, session, ...rest))
      if (answer !== undefined) return session.answer(answer as Response)
      if (await session.endUnchanged()) return answer
      return session.fail(new TypeError(noAnswer))
    }
}

/** What the handler returns, or throws as a Response. */
async function settle<answer>(
  session: LazyRequest,
  handler: () => Promise<answer>,
): Promise<answer | Response> {
  try {
    return await handler()
  } catch (thrown) {
    return isResponse(thrown) ? thrown : session.fail(thrown)
  }
}

const noAnswer =
  'The handler returned nothing, and the changes are dropped: return a Response. Before an upgrade, ' +
  '`await session.commit()`, and send its `cookie.header` as Set-Cookie'
