import type { Outcome } from '@coatcheck/core'
import { SessionError } from '@coatcheck/core'
import type { Opens, Saved, SessionOf } from './visit.ts'
import { visitOf } from './visit.ts'

/**
 * The session of the request: `await getSession<typeof sessions>(context)`, in loaders, actions,
 * handlers and middleware. Loads it when first asked for; everybody who asks during the request
 * gets the same one. It is saved when the answer is ready. Rejects with an `Error` that says what
 * to add where when the set-up is not complete.
 */
export async function getSession<sessions extends Opens = Opens<Record<string, unknown>>>(
  context: unknown,
): Promise<SessionOf<sessions>> {
  const { session } = await visitOf(context, 'getSession').open()
  return session as SessionOf<sessions>
}

/**
 * Saves now, so that the answer can say what became of it: `(await commit(context)).outcome`.
 * Whoever changes the session afterwards is refused, so the loader or action that changes it last
 * calls it. Rejects with a `SessionError`, and nothing written, when the session holds what cannot
 * be kept; call `discard(context)` then, or the answer fails as well.
 */
export async function commit(context: unknown): Promise<Saved> {
  const { outcome } = await visitOf(context, 'commit').save()
  return { outcome }
}

/**
 * Drops what the request has changed, but not a `destroy` asked for. For `handleError` in
 * app/entry.server.tsx, because React Router and Remix 2 make an answer of an error, and an answer
 * is saved. Makes no trip, and changes nothing that is saved already.
 */
export function discard(context: unknown): void {
  visitOf(context, 'discard').discard()
}

/**
 * Changes the session's data when the answer may have left already: in a promise that a loader
 * defers, or after work that nobody waited for. It is opened again and saved by itself, merged with
 * what others saved meanwhile, and the outcome says what became of it; `null`: it was in time, and
 * is saved with the answer. Rejects with a `SessionError` `read-only` when there is no session to
 * save into, because its cookie could not be sent any more.
 */
export async function saveLate<sessions extends Opens = Opens<Record<string, unknown>>>(
  context: unknown,
  change: (data: SessionOf<sessions>['data']) => void,
): Promise<Outcome | null> {
  const visit = visitOf(context, 'saveLate')
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
  'saveLate(context, change): there is no session to save into, and it is too late to send the ' +
  'cookie of a new one. Put something in before the response is returned'
