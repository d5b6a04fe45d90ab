/**
 * What loading found.
 * - `nothing`: no cookie, a value that is not a token, or a token that the store does not know
 * - `live`: a session
 * - `unreadable`: a record that cannot be opened, or that is being destroyed: no session, but it must not be
 *   overwritten
 * - `unavailable`: the store did not answer
 */
export type LoadState = 'nothing' | 'live' | 'unreadable' | 'unavailable'

/** What a session's methods asked for. */
export type Intent = 'keep' | 'renew' | 'destroy' | 'discard'

/**
 * What a commit did.
 * - `unchanged`: nothing to do, nothing done
 * - `created`, `saved`, `renewed`, `destroyed`, `discarded`: done as asked
 * - `rotated`: saved, and given a new token because the old one was due
 * - `gone`: the session ended meanwhile (logout elsewhere, expiry, eviction); it stays dead, and the
 *   changes ended with it
 * - `conflict`: too many others saved at the same time; nothing was written
 * - `unavailable`: the store could not be reached; what was asked for may or may not be stored
 * - `unconfirmed`: `destroy` was asked for and the store did not confirm it: the session may live on
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
  | 'conflict'
  | 'unavailable'
  | 'unconfirmed'

/** What the handler asked for: `renew` and `signIn` are sign-ins, `destroy` is a sign-out. */
export type Asked = 'sign-in' | 'sign-out' | 'change'

/** An outcome that is not what the handler asked for. */
export interface Failure {
  readonly outcome: Outcome
  readonly asked: Asked
}

const failures: readonly Outcome[] = ['conflict', 'unavailable', 'unconfirmed']

/**
 * The failure, if what was asked for was not done, or not for certain. A change or a sign-out of a session
 * that has ended is `gone` and no failure: the other request ended it first. A sign-in that is `gone` has
 * signed in no one.
 */
export function failureOf(outcome: Outcome, intent: Intent): Failure | null {
  const asked = askedBy(intent)
  const isFailure = failures.includes(outcome) || (outcome === 'gone' && asked === 'sign-in')
  return isFailure ? { outcome, asked } : null
}

function askedBy(intent: Intent): Asked {
  if (intent === 'destroy') return 'sign-out'
  return intent === 'renew' ? 'sign-in' : 'change'
}

/** What a commit has to do: a piece of work, or nothing, with the outcome known at once. */
export type Step =
  | { readonly do: 'create' | 'save' | 'renew' | 'rotate' | 'destroy' }
  | { readonly do: 'nothing'; readonly outcome: Outcome }

const nothing = (outcome: Outcome): Step => ({ do: 'nothing', outcome })

/**
 * Decides what a commit does. Total: every combination has its answer. `due`: the token is old enough to be
 * rotated.
 *
 * | found       | destroy   | discard   | renew             | keep, changed | keep, unchanged |
 * |-------------|-----------|-----------|-------------------|---------------|-----------------|
 * | nothing     | unchanged | discarded | create if changed | create        | unchanged       |
 * | unreadable  | destroy   | discarded | create if changed | create        | unchanged       |
 * | live        | destroy   | discarded | renew             | save          | unchanged       |
 * | live, due   | destroy   | discarded | renew             | rotate        | rotate          |
 * | unavailable | destroy   | discarded | unavailable       | unavailable   | unchanged       |
 *
 * `create` always takes a fresh token, so an unknown token is never adopted and an unreadable record
 * never overwritten. `destroy` needs no record in hand, so it is tried even when loading failed.
 */
export function nextStep(found: LoadState, intent: Intent, changed: boolean, due: boolean): Step {
  if (intent === 'discard') return nothing('discarded')
  if (intent === 'destroy') return found === 'nothing' ? nothing('unchanged') : { do: 'destroy' }
  if (intent === 'renew' && found === 'live') return { do: 'renew' }
  if (intent === 'renew' && found === 'unavailable') return nothing('unavailable')
  if (found === 'live' && due) return { do: 'rotate' }
  if (!changed) return nothing('unchanged')
  if (found === 'live') return { do: 'save' }
  return found === 'unavailable' ? nothing('unavailable') : { do: 'create' }
}
