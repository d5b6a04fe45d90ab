import { SessionError } from '@coatcheck/core'
import type { Committed, Outcome, Session, Sessions } from '@coatcheck/core'
import type { Visit } from './visit.ts'

/**
 * What `event.locals.session` is, for `src/app.d.ts`:
 * `interface Locals { session: LocalSession<typeof sessions> }`.
 */
export type LocalSession<sessions> = sessions extends Sessions<infer data> ? Visit<data> : never

/** What a commit did. The cookie goes with the response, without anybody's help. */
export type Saved = Pick<Committed, 'outcome'>

/** Any event of SvelteKit's: of a hook, a load, an action, an endpoint or `getRequestEvent()`. */
export interface SessionEvent<data extends object> {
  readonly locals: { readonly session: Visit<data> }
}

/**
 * The session of the request. Loads it when first asked for; everybody who asks during the request gets the
 * same one, and so do the requests made with `event.fetch`. It is saved when the response is ready.
 */
export async function getSession<data extends object>(
  event: SessionEvent<data>,
): Promise<Session<data>> {
  const { session } = await visitOf(event, 'getSession').open()
  return session
}

/**
 * Saves now, so that the response can say what became of it: `(await commit(event)).outcome`. Whoever
 * changes the session afterwards is refused, so the action or endpoint that changes it last calls it.
 * Rejects with a `SessionError`, and nothing written, when the session holds what cannot be kept; call
 * `discard(event)` then, or the response fails as well.
 */
export async function commit<data extends object>(event: SessionEvent<data>): Promise<Saved> {
  const visit = visitOf(event, 'commit')
  await visit.open()
  const { outcome } = (await visit.end()) as Committed
  return { outcome }
}

/**
 * Drops what the request has changed, but not a `destroy` asked for. For `handleError` in
 * `src/hooks.server.ts`, because SvelteKit makes a response of an unexpected error, and a response is saved.
 * Makes no trip, changes nothing that is saved already, and never throws.
 */
export function discard(event: SessionEvent<object>): void {
  const visit: Visit<object> | undefined = event.locals.session
  visit?.discard()
}

/**
 * Changes the session's data when the response may have left already: in a promise that a load streams, or
 * after work that nobody waited for. It is opened again and saved by itself, merged with what others saved
 * meanwhile, and the outcome says what became of it; `null`: it was in time, the hook saves it. Throws a
 * `SessionError` `read-only` when there is no session to save into, because its cookie could not be sent
 * any more.
 */
export async function saveLate<data extends object>(
  event: SessionEvent<data>,
  change: (data: data) => void,
): Promise<Outcome | null> {
  const visit = visitOf(event, 'saveLate')
  const { session } = await visit.open()
  if (!visit.hasEnded()) {
    change(session.data)
    return null
  }
  const again = await visit.openAgain()
  if (again.session.state === 'new') {
    if (session.id === null) throw new SessionError('read-only', noSession)
    return 'gone'
  }
  change(again.session.data)
  const { outcome } = await again.commit()
  return outcome
}

const noSession =
  'saveLate(event, change): there is no session to save into, and it is too late to send the cookie of a ' +
  'new one. Put something in before the response is returned'

function visitOf<data extends object>(event: SessionEvent<data>, caller: string): Visit<data> {
  const visit: Visit<data> | undefined = event.locals.session
  if (visit !== undefined) return visit
  throw new Error(
    `${caller}(event): add createHandle(sessions) to src/hooks.server.ts, before the hook that calls this`,
  )
}
