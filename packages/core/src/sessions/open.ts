import { afterFailure, commitSession } from '../commit/commit-session.ts'
import type { Committed } from '../commit/committed.ts'
import { failIfAsked } from '../commit/committed.ts'
import type { CommitContext } from '../commit/context.ts'
import type { OpenSession } from '../commit/plan.ts'
import { isChanged } from '../commit/plan.ts'
import { SessionError } from '../errors.ts'
import type { CookieForm } from '../http/cookie.ts'
import type { CookieSource, Transport } from '../http/transport.ts'
import type { OnFailure } from '../http/failure-response.ts'
import { isPrefetch } from '../http/prefetch.ts'
import { readToken } from '../http/read-token.ts'
import type { Found } from '../load/load.ts'
import { insecure, load, nothingFound } from '../load/load.ts'
import type { Session } from '../session/session.ts'
import { SessionControl } from '../session/control.ts'
import { shape } from './make-data.ts'

export interface OpenOptions extends Transport {
  /**
   * Whether the request is a use of the session: then it moves the idle end, as every change of the session does, and
   * gives out a new token if one is due.
   * Default: true, and `false` for a request that says it is a prefetch (Sec-Purpose, Purpose). `false` is also for
   * other requests that the visitor did not make, such as a poll.
   */
  readonly touch?: boolean
}

export interface HandleOptions extends OpenOptions {
  /** Answers when a sign-in, a sign-out or a change was not done. Default: the option of `createSessions`. */
  readonly onFailure?: OnFailure
}

/** The two halves of `handle`, for frameworks that keep cookies and responses to themselves. */
export interface Opened<data extends object> {
  readonly session: Session<data>
  /**
   * Saves what the handler did, once: a second call returns the first one's result. Rejects, with nothing
   * written, if the session holds a value that cannot be stored; then it can be called again.
   */
  readonly commit: () => Promise<Committed>
  /**
   * Makes every later change throw a `SessionError` `read-only` with this text, which should say where to
   * write instead: for places where a framework can read a session but not save it.
   */
  readonly lock: (reason: string) => void
  /**
   * Whether the handler has changed the session, apart from a `destroy`. Throws a `SessionError` if the session holds a
   * value that cannot be stored.
   */
  readonly isChanged: () => boolean
}

export type Open<data extends object> = (
  source: CookieSource,
  options?: OpenOptions,
) => Promise<Opened<data>>

/** The first half of a request. */
export async function open(
  context: CommitContext,
  source: CookieSource,
  options: OpenOptions = {},
): Promise<Opened<object>> {
  const form = context.cookieFor(source, options)
  const touch = options.touch ?? !isPrefetch(source)
  const { found, data, base } = await shape(context, await find(context, source, form, touch))
  if (found.state === 'unavailable') failIfAsked(context.unavailable, 'unavailable', form)
  const { state, loaded } = found
  const start = { state, id: loaded && loaded.address.id, record: loaded && loaded.record }
  const control = new SessionControl(start, data, context)
  const order = context.loads.count++
  const request = { source, transport: options, touch }
  return openedOf(context, { found, base, control, order, ...request }, form)
}

async function find(
  context: CommitContext,
  source: CookieSource,
  form: CookieForm | null,
  touch: boolean,
): Promise<Found> {
  if (form === null) {
    context.onEvent({ type: 'request.insecure' })
    return insecure
  }
  const token = readToken(source, form, context.onEvent)
  return token === null ? nothingFound : load(context, token, touch)
}

function openedOf(
  context: CommitContext,
  opened: OpenSession,
  form: CookieForm | null,
): Opened<object> {
  let committed: Promise<Committed> | null = null
  return {
    session: opened.control.session,
    commit() {
      committed ??= commitSession(context, opened, form).catch(async (error: unknown) => {
        committed = null
        await afterFailure(context, opened, error)
        throw error
      })
      return committed
    },
    lock(reason) {
      opened.control.close(() => {
        throw new SessionError('read-only', reason)
      })
    },
    isChanged: () => isChanged(opened),
  }
}
