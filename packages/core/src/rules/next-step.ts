/**
 * The result of loading.
 * - `nothing`: no cookie, a value that is not a token, or a token that the store does not know
 * - `live`: a session
 * - `unreadable`: a record that cannot be opened, or that is being destroyed. There is no session, but the record must
 *   not be overwritten
 * - `unknown-secret`: a record that is sealed with a secret which this process does not have
 * - `moved`: the token was replaced by a renewal less than a minute ago
 * - `unproven`: a session that is bound to a device, and the request carries no fresh proof of it
 * - `unavailable`: the store did not answer
 */
export type LoadState =
  'nothing' | 'live' | 'unreadable' | 'unknown-secret' | 'moved' | 'unproven' | 'unavailable'

/** Details of the result that the state does not show. */
export type Why =
  'ended' | 'revoked' | 'signing-out' | 'schema' | 'insecure' | 'newer-version' | 'migration'

/** What a session's methods asked for. */
export type Intent = 'keep' | 'renew' | 'sign-in' | 'destroy' | 'discard'

/**
 * The result of a commit.
 * - `unchanged`: there was nothing to do
 * - `created`, `saved`, `destroyed`, `discarded`: done as asked
 * - `renewed`: `renew` or `signIn` gave the session a new token, and the changes were saved
 * - `rotated`: the changes were saved, and the session got a new token because the old one was due for rotation
 * - `gone`: the session ended in the meantime (logout, expiry or eviction); the changes are lost
 * - `moved`: a sign-in or renewal in another request gave the session a new token; the changes were not saved. Also if
 *   the handler's response already sets the cookie of a session that an inner handler has created
 * - `taken`: another request took a value first (`take`), or replaced it; nothing was written
 * - `unproven`: the session is bound to a device, and the request has no fresh proof of it; nothing was written
 * - `conflict`: too many requests saved at the same time; nothing was written
 * - `unavailable`: the store did not answer, so the changes may or may not be stored. Or this process cannot read the
 *   session (sealed with a secret that it does not have, or saved by a newer version of the app); nothing was written
 * - `unconfirmed`: the store did not confirm a `destroy`: the session may still be alive
 */
export type Outcome =
  | 'unchanged'
  | 'created'
  | 'saved'
  | 'renewed'
  | 'rotated'
  | 'destroyed'
  | 'discarded'
  | 'gone'
  | 'moved'
  | 'taken'
  | 'unproven'
  | 'conflict'
  | 'unavailable'
  | 'unconfirmed'

/** What the handler asked for: `signIn`, `renew` without `signIn`, `destroy`, or a change of the data. */
export type Asked = 'sign-in' | 'renewal' | 'sign-out' | 'change'

/** Describes a commit that did not do what the handler asked for. */
export interface Failure {
  readonly outcome: Outcome
  readonly asked: Asked
  /** The handler has taken values (`take`) that another request may have or get: do not use or show them. */
  readonly hasTaken?: true
}

const failures: readonly Outcome[] = [
  'moved',
  'taken',
  'unproven',
  'conflict',
  'unavailable',
  'unconfirmed',
]

/**
 * The failure if the request was not done, or not for certain. With the outcome `gone`, a change or a sign-out is not a
 * failure, because another request ended the session first. A sign-in or a renewal is: it had no effect. So is a change
 * that has taken a value (`hasTaken`), because another request may have used the value.
 */
export function failureOf(outcome: Outcome, intent: Intent, hasTaken = false): Failure | null {
  const asked = askedBy(intent)
  const isGone = outcome === 'gone' && (asked === 'sign-in' || hasTaken)
  if (!isGone && !failures.includes(outcome)) return null
  const failure = { outcome, asked: intent === 'renew' ? 'renewal' : asked } as const
  return hasTaken ? { ...failure, hasTaken } : failure
}

function askedBy(intent: Intent): Asked {
  if (intent === 'destroy') return 'sign-out'
  return movesToken(intent) ? 'sign-in' : 'change'
}

/** Whether the intent gives the session a new token. */
export function movesToken(intent: Intent): intent is 'renew' | 'sign-in' {
  return intent === 'renew' || intent === 'sign-in'
}

/** What a commit has to do: a write, or nothing with a known outcome. */
export type Step =
  | { readonly do: 'create' | 'save' | 'renew' | 'sign-in' | 'rotate' | 'destroy' }
  | { readonly do: 'nothing'; readonly outcome: Outcome }

const nothing = (outcome: Outcome): Step => ({ do: 'nothing', outcome })

/**
 * Decides what a commit does, for every combination. `due`: the token is old enough for rotation.
 *
 * | found       | destroy   | discard   | sign-in     | renew             | keep, changed | keep, unchanged |
 * |-------------|-----------|-----------|-------------|-------------------|---------------|-----------------|
 * | nothing     | unchanged | discarded | create      | create if changed | create        | unchanged       |
 * | unreadable  | destroy   | discarded | create      | create if changed | create        | unchanged       |
 * | moved       | destroy   | discarded | create      | moved             | moved         | unchanged       |
 * | unproven    | destroy   | discarded | create      | unproven          | unproven      | unchanged       |
 * | live        | destroy   | discarded | sign-in     | renew             | save          | unchanged       |
 * | live, due   | destroy   | discarded | sign-in     | renew             | rotate        | rotate          |
 * | unknown secret | destroy | discarded | create   | create if changed | unavailable   | unchanged       |
 * | unavailable | destroy   | discarded | unavailable | unavailable       | unavailable   | unchanged       |
 *
 * `create` always uses a new token, so an unknown token is never adopted and an unreadable record is never overwritten.
 *
 * A plain change does not create a session in three states. `moved`: its cookie would replace that of the sign-in.
 * `unproven` and `unknown secret`: a new cookie would sign the visitor out of the session that exists. With an unknown
 * secret, a renewal without a change is `unavailable`. `destroy` does not need a loaded record, so it is tried even if
 * loading failed.
 */
export function nextStep(state: LoadState, intent: Intent, changed: boolean, due: boolean): Step {
  if (intent === 'discard') return nothing('discarded')
  if (intent === 'destroy') return state === 'nothing' ? nothing('unchanged') : { do: 'destroy' }
  if (state === 'unavailable')
    return nothing(movesToken(intent) || changed ? 'unavailable' : 'unchanged')
  if (state === 'unknown-secret') {
    if (intent === 'sign-in' || (intent === 'renew' && changed)) return { do: 'create' }
    return nothing(movesToken(intent) || changed ? 'unavailable' : 'unchanged')
  }
  if ((state === 'moved' || state === 'unproven') && intent !== 'sign-in') {
    return nothing(movesToken(intent) || changed ? state : 'unchanged')
  }
  if (state !== 'live') {
    return changed || intent === 'sign-in' ? { do: 'create' } : nothing('unchanged')
  }
  if (movesToken(intent)) return { do: intent }
  if (due) return { do: 'rotate' }
  return changed ? { do: 'save' } : nothing('unchanged')
}
