import type { Committed } from '../commit/committed.ts'
import { isFailure } from '../rules/next-step.ts'
import type { Failure } from '../rules/next-step.ts'
import type { Session } from '../session/session.ts'

/** The two halves of `handle`, for frameworks that keep cookies and responses to themselves. */
export interface Opened<data extends object> {
  readonly session: Session<data>
  /**
   * Saves what the handler did, once: a second call gives the first one's result. Rejects, with nothing
   * written, when the session holds what cannot be kept; then it can be called again.
   */
  readonly commit: () => Promise<Committed>
  /**
   * Makes every later change throw a `SessionError` `read-only` with this text, which should say where to
   * write instead: for places where a framework can read a session, but not save it.
   */
  readonly lock: (reason: string) => void
}

/** The whole of a request. */
export type Handle<data extends object> = (
  request: Request,
  handler: (session: Session<data>) => Response | Promise<Response>,
  onFailure?: (failure: Failure) => Response | Promise<Response>,
) => Promise<Response>

export function createHandle(open: (request: Request) => Promise<Opened<object>>): Handle<object> {
  return async (request, handler, onFailure) => {
    const opened = await open(request)
    let response: Response
    try {
      response = await handler(opened.session)
    } catch (thrown) {
      throw await settleThrown(opened, thrown)
    }
    if (!isResponse(response)) {
      throw new TypeError('sessions.handle: the handler must return a Response')
    }
    const { outcome, applyTo } = await opened.commit()
    return applyTo(onFailure && isFailure(outcome) ? await onFailure(outcome) : response)
  }
}

/**
 * What to throw on. A thrown Response is an answer: the session is saved with it. After any other throw
 * the changes are dropped; `discard` leaves a `destroy` that was asked for standing.
 */
async function settleThrown(opened: Opened<object>, thrown: unknown): Promise<unknown> {
  if (isResponse(thrown)) return (await opened.commit()).applyTo(thrown)
  opened.session.discard()
  // What could not be saved matters less than what was thrown.
  await opened.commit().catch(() => {})
  return thrown
}

/** By shape: a server or framework may bring its own class. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = (value ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.append === 'function'
}
