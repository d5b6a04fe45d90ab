import { SessionError } from '../errors.ts'
import type { Listed } from './list-record.ts'
import type { ListOutcome } from './change-list.ts'
import type { SubjectsContext } from './operations.ts'
import { endListed, listSubject, revokeSubject } from './operations.ts'

/** One of a subject's sessions. */
export interface SubjectSession {
  /** Names the session in `end`, for its whole life; `session.ref` is the same. Worth nothing as a token. */
  readonly ref: string
  readonly createdAt: Date
  readonly renewedAt: Date | null
  /** When it was last used, to within a quarter of the idle time. */
  readonly seenAt: Date
  readonly label: string | null
  /** Whether the sign-in asked to be remembered. */
  readonly isPersistent: boolean
  /** A device has proved that it holds the session's key, so a stolen cookie is of little use (`deviceBound`). */
  readonly isBound: boolean
}

/** `revoked`: done. `gone`: there was nothing to end. `unconfirmed`: the store did not confirm it. */
export type RevokeOutcome = 'revoked' | 'gone' | 'unconfirmed'

/** What can be done with all sessions of one account. */
export interface SubjectSessions {
  /**
   * Ends all sessions of a subject, on every device, with one write: for a disabled account or a stolen
   * password. `except`: the session that stays. They have ended when the next request loads them.
   */
  readonly revoke: (
    subject: string,
    options?: { readonly except?: { readonly ref: string | null } },
  ) => Promise<RevokeOutcome>
  /** A subject's sessions. Throws a `SessionError` `unavailable` if the store cannot be reached. */
  readonly list: (subject: string) => Promise<readonly SubjectSession[]>
  /** Ends one of a subject's sessions, by its `ref`. */
  readonly end: (subject: string, ref: string) => Promise<RevokeOutcome>
}

export function createSubjectSessions(context: SubjectsContext): SubjectSessions {
  return {
    async revoke(subject, { except } = {}) {
      checkSubject(subject)
      const ref = except === undefined ? null : readRef(except)
      return revokeOutcome(await revokeSubject(context, subject, ref))
    },
    async list(subject) {
      checkSubject(subject)
      const found = await listSubject(context, subject)
      if (found !== 'unavailable') return [...found].map(toSubjectSession)
      throw new SessionError('unavailable', 'The session store did not answer: respond with 503')
    },
    async end(subject, ref) {
      checkSubject(subject)
      return revokeOutcome(await endListed(context, subject, ref))
    },
  }
}

function readRef({ ref }: { readonly ref: string | null }): string {
  if (typeof ref === 'string') return ref
  throw new TypeError(
    'sessions.revoke: except must be a session that was loaded with this subject; a session that signs ' +
      'in during this request is not in the list yet and needs no exception',
  )
}

function toSubjectSession([ref, listed]: readonly [string, Listed]): SubjectSession {
  const { createdAt, renewedAt, seenAt, label, isPersistent = false } = listed
  return {
    ref,
    createdAt: new Date(createdAt),
    renewedAt: renewedAt === null ? null : new Date(renewedAt),
    seenAt: new Date(seenAt),
    label,
    isPersistent,
    isBound: listed.isBound === true,
  }
}

function revokeOutcome(outcome: ListOutcome): RevokeOutcome {
  if (outcome === 'saved') return 'revoked'
  return outcome === 'missing' ? 'gone' : 'unconfirmed'
}

function checkSubject(subject: string): void {
  if (typeof subject === 'string' && subject !== '') return
  throw new TypeError('The subject must be the text that was given to session.signIn()')
}
