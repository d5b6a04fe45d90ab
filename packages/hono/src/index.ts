import type { HandleOptions, RequestSession, Sessions } from '@coatcheck/core'
import { isResponse } from '@coatcheck/core'
import type { Context, MiddlewareHandler, Next } from 'hono'

/** What the middleware adds to `c.var`. */
export interface SessionVariables<data extends object> {
  readonly session: RequestSession<data>
}

/**
 * Gives every request a session: `await c.var.session.get()`. What changed is saved with the response. An error drops the
 * changes, also if `app.onError` answers it; a thrown Response is an answer.
 */
export function sessionMiddleware<data extends object>(
  sessions: Pick<Sessions<data>, 'lazy'>,
  options: HandleOptions = {},
): MiddlewareHandler<{ Variables: SessionVariables<data> }> {
  return async (c, next) => {
    // A middleware that is mounted twice gives one session.
    if (c.get('session') !== undefined) return next()
    const lazy = sessions.lazy(c.req.raw, { ...options, hints })
    c.set('session', lazy)
    const answer = await lazy
      .around(() => settle(c, next, lazy))
      .catch((thrown: unknown) => asAnswer(c, thrown))
    if (answer === c.res) return
    replace(c, answer)
  }
}

/** Hono adds the headers of the former response to the next one, and so would undo ours. */
function replace(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

async function settle(c: Context, next: Next, lazy: { discard(): void }): Promise<Response> {
  await next()
  if (c.error) lazy.discard()
  return c.res
}

/** Hono knows only thrown Errors: it would answer a Response with 500. */
function asAnswer(c: Context, thrown: unknown): Response {
  if (isResponse(thrown)) return thrown
  // What onError answers begins with the headers of the response before, which could not be saved.
  replace(c, new Response(null, { headers: { 'Cache-Control': 'private, no-store' } }))
  throw thrown
}

const hints = {
  late:
    'c.var.session.get() was called for the first time after the response, so changes would be lost: call it earlier, ' +
    'or use c.var.session.saveLate(change)',
}
