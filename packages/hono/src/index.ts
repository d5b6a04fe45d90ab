import type { HandleOptions, RequestSession, Sessions } from '@coatcheck/core'
import { isResponse } from '@coatcheck/core'
import type { Context, MiddlewareHandler } from 'hono'

/** The variables that the middleware adds to `c.var`. */
export interface SessionVariables<data extends object> {
  readonly session: RequestSession<data>
}

/**
 * Middleware that gives every request a session: `await c.var.session.get()`. Changes are saved with the response.
 * After an error the changes are dropped, also if `app.onError` returns a response; a thrown Response is not an error.
 */
export function sessionMiddleware<data extends object>(
  sessions: Pick<Sessions<data>, 'lazy'>,
  options: HandleOptions = {},
): MiddlewareHandler<{ Variables: SessionVariables<data> }> {
  return async (c, next) => {
    // A middleware that is mounted twice gives one session.
    const there: object | undefined = c.get('session')
    if (there && madeBy.get(there) === sessions) return next()
    if (there && madeBy.has(there)) throw new Error(secondSet)
    const lazy = sessions.lazy(c.req.raw, { ...options, hints })
    madeBy.set(lazy, sessions)
    c.set('session', lazy)
    let isUnanswered = false
    const run = async (): Promise<Response> => {
      await next()
      isUnanswered = !c.finalized
      if (c.error || isUnanswered) lazy.discard()
      return isUpgradedByBun(c) ? upgraded : c.res
    }
    const answer = await lazy.around(run).catch((thrown: unknown) => asAnswer(c, thrown))
    // Hono reports a handler that returns nothing, as long as there is no response.
    if (answer === c.res || answer === upgraded || isUnanswered) return
    // Also of an answer in its place, such as that to a failure: it would break off what is being sent.
    if ([c.res, answer].some(isSent)) warnOfUnsent(c.res, answer)
    else replace(c, answer)
  }
}

/** Bun has sent its answer, the status 101, and takes no header from the Response that Hono returns instead. */
const upgraded = { status: 101, headers: new Headers() } as Response

function isUpgradedByBun({ req, res, env }: Context): boolean {
  if (req.header('Upgrade')?.toLowerCase() !== 'websocket' || res.body !== null || !res.ok)
    return false
  const server: unknown = env && ('server' in env ? env.server : env)
  return typeof (server as { upgrade?: unknown } | undefined)?.upgrade === 'function'
}

const isSent = ({ headers }: Response): boolean => headers.has('x-hono-already-sent')

/** `RESPONSE_ALREADY_SENT` of @hono/node-server: the handler wrote to Node.js' response, and no header leaves after. */
function warnOfUnsent(given: Response, answer: Response): void {
  const isSame = answer.headers.getSetCookie().length === given.headers.getSetCookie().length
  if (isSame && isSent(answer)) return
  if (!isUnsentTold) console.error(unsent) // oxlint-disable-line no-console
  isUnsentTold = true
}

let isUnsentTold = false

const unsent =
  'coatcheck: a handler answered with RESPONSE_ALREADY_SENT, so the session could not change the response. A cookie for a ' +
  'new visitor or a sign-in is lost, and so is the answer that says that a sign-out was not done. Return a Response there, ' +
  'or change the session in another request'

/** The set of sessions that made a session. */
const madeBy = new WeakMap<object, object>()

/** Hono adds the headers of the former response to the next one, and so would undo ours. */
function replace(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

/** Hono knows only thrown Errors: it would answer a Response with 500. */
function asAnswer(c: Context, thrown: unknown): Response {
  if (isResponse(thrown)) return thrown
  // What onError answers begins with the headers of the response before, which could not be saved.
  replace(c, new Response(null, { headers: { 'Cache-Control': 'private, no-store' } }))
  throw thrown
}

const secondSet =
  'This request has a session of another createSessions(…) in c.var.session, and that variable holds one. Mount each set of ' +
  "sessions on paths of its own, for example app.use('/shop/*', …) and app.use('/admin/*', …)"

const hints = {
  late:
    'c.var.session.get() was called for the first time after the response, so changes would be lost: call it earlier, ' +
    'or use c.var.session.saveLate(change)',
}
