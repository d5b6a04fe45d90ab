/**
 * What loading found.
 * - `nothing`: no cookie, a value that is not a token, or a token that the store does not know
 * - `live`: a session
 * - `unreadable`: a record that cannot be opened, or that is being destroyed: no session, but it must not be
 *   overwritten
 * - `unknown-secret`: a record that is sealed with a secret which this process does not have
 * - `moved`: the token was replaced by a renewal less than a minute ago
 * - `unproven`: a session that is bound to a device, and the request carries no fresh proof of it
 * - `unavailable`: the store did not answer
 */
export type LoadState =
  'nothing' | 'live' | 'unreadable' | 'unknown-secret' | 'moved' | 'unproven' | 'unavailable'

/** What loading found, where the state does not say it. */
export type Why =
  'ended' | 'revoked' | 'signing-out' | 'schema' | 'insecure' | 'newer-version' | 'migration'

/** What a session's methods asked for. */
export type Intent = 'keep' | 'renew' | 'sign-in' | 'destroy' | 'discard'

/**
 * What a commit did.
 * - `unchanged`: nothing to do, nothing done
 * - `created`, `saved`, `renewed`, `destroyed`, `discarded`: done as asked
 * - `rotated`: saved, and given a new token because the old one was due
 * - `gone`: the session ended meanwhile (logout elsewhere, expiry, eviction); it stays dead, and the
 *   changes ended with it
 * - `moved`: the session was renewed meanwhile and has another token; the changes were not stored. Also if the
 *   handler's response begins a session already, which a handler inside it has made
 * - `taken`: another request took a value first (`take`), or replaced it; nothing was written
 * - `unproven`: the session is bound to a device, and the request carries no fresh proof of it; nothing was written
 * - `conflict`: too many others saved at the same time; nothing was written
 * - `unavailable`: the store could not be reached, or the session is sealed with a secret that this process does
 *   not have; what was asked for may or may not be stored
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
  | 'moved'
  | 'taken'
  | 'unproven'
  | 'conflict'
  | 'unavailable'
  | 'unconfirmed'

/** What the handler asked for, by `signIn`, by `renew` alone, by `destroy`, or by a change of the data. */
export type Asked = 'sign-in' | 'renewal' | 'sign-out' | 'change'

/** An outcome that is not what the handler asked for. */
export interface Failure {
  readonly outcome: Outcome
  readonly asked: Asked
  /** The handler has taken values (`take`), which another request may have or get as well: do not use or show them. */
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
 * The failure, if what was asked for was not done, or not for certain. A change or a sign-out of a session
 * that has ended is `gone` and no failure: the other request ended it first. A sign-in that is `gone` has
 * signed in no one, and a renewal has renewed nothing. Nor is a value used once that was taken from a session that
 * has ended: `hasTaken`.
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

/** Whether the session gets another token by it. */
export function movesToken(intent: Intent): intent is 'renew' | 'sign-in' {
  return intent === 'renew' || intent === 'sign-in'
}

/** What a commit has to do: a piece of work, or nothing, with the outcome known at once. */
export type Step =
  | { readonly do: 'create' | 'save' | 'renew' | 'sign-in' | 'rotate' | 'destroy' }
  | { readonly do: 'nothing'; readonly outcome: Outcome }

const nothing = (outcome: Outcome): Step => ({ do: 'nothing', outcome })

/**
 * Decides what a commit does. Total: every combination has its answer. `due`: the token is old enough to be
 * rotated.
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
 * `create` always takes a fresh token, so an unknown token is never adopted and an unreadable record
 * never overwritten. A plain change under a token that was replaced creates nothing: its cookie would replace
 * that of the sign-in. Nor does one under the token of a session that the request may not see, and nor does one beside a record that other processes can open: its visitor would be signed out
 * there. A renewal without a change is `unavailable` then. `destroy` needs no record in hand, so it is tried even
 * when loading failed.
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
