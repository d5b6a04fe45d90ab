import type { Committed, LazySession, Outcome, Session, Sessions } from '@coatcheck/core'
import { mustAwait } from '@coatcheck/core'
import type { SubRequest } from './sub-requests.ts'
import { shareIdOf } from './sub-requests.ts'

/** For `src/app.d.ts`: `interface Locals { session: LocalSession<typeof sessions> }`. */
export type LocalSession<sessions> =
  sessions extends Sessions<infer data> ? LazySession<data> : never

/** The result of `commit`. The hook sets the cookie. */
export type Saved = Pick<Committed, 'outcome' | 'failure'>

/** The event of a hook, load, action or endpoint, or of `getRequestEvent()`. */
export interface EventWithSession<data extends object> {
  readonly locals: { readonly session: LazySession<data> }
}

/** The session, loaded by the first call. Requests made with `event.fetch` share it. The hook saves it. */
export function getSession<data extends object>(
  event: EventWithSession<data>,
): Promise<Session<data>> {
  return mustAwait(findSession(event))
}

async function findSession<data extends object>(
  event: EventWithSession<data>,
): Promise<Session<data>> {
  return lazyOf(event, 'getSession').get()
}

/** Saves now, so that the response can show the outcome. Later changes throw. */
export function commit<data extends object>(event: EventWithSession<data>): Promise<Saved> {
  return mustAwait(commitNow(event))
}

async function commitNow(event: EventWithSession<object>): Promise<Saved> {
  const { outcome, failure } = await lazyOf(event, 'commit').commit()
  return { outcome, failure }
}

/**
 * Drops the changes, but not a `destroy`. Call it in `handleError`: otherwise the session is saved with the error page.
 * Does nothing in a request made with `event.fetch`, because the session belongs to the page. Never throws.
 */
export function discard(event: EventWithSession<object> & SubRequest): void {
  const lazy: LazySession<object> | undefined = event.locals.session
  if (shareIdOf(event) === '') lazy?.discard()
}

/** Changes the data, also after the response has been sent: see `LazySession.saveLate`. */
export async function saveLate<data extends object>(
  event: EventWithSession<data>,
  change: (data: data) => void,
): Promise<Outcome | null> {
  return lazyOf(event, 'saveLate').saveLate(change)
}

function lazyOf<data extends object>({ locals }: EventWithSession<data>, caller: string) {
  const lazy: LazySession<data> | undefined = locals.session
  const advice =
    'add createHandle(sessions) to src/hooks.server.ts, before the hook that calls this'
  if (lazy === undefined) throw new Error(`${caller}(event): ${advice}`)
  return lazy
}
