import { isResponse } from './answer.ts'
import type { LazyRequest } from './lazy-request.ts'
import type { LazyOptions, RequestSession } from './lazy-session.ts'
import type { HandleOptions } from './open.ts'

/**
 * Makes a fetch handler for `Bun.serve`, `Deno.serve`, Workers and others. The handler gets the request, its session
 * and the other arguments of the server (`env`, `ctx`, `server`, `info`). `await session.get()` loads the session;
 * without it, a request makes no trip to the store.
 *
 * Changes are saved before the response is returned. A thrown Response is returned, with the cookie. After any other
 * error the changes are dropped and the error is thrown again; a `destroy` is still carried out.
 *
 * An upgrade (a response with the status 101, or `undefined` after `server.upgrade()` of Bun) is returned as it is if
 * the session was only read, or was committed before. Otherwise the cookie could not be sent: the changes are dropped,
 * and a TypeError is thrown.
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

/** The value that the handler returns, or the Response that it throws. */
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
