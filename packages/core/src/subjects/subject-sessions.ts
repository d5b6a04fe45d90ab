import { SessionError } from '../errors.ts'
import type { Listed } from './list-record.ts'
import type { ListOutcome } from './change-list.ts'
import type { SubjectsContext } from './operations.ts'
import { endListed, listSubject, revokeSubject } from './operations.ts'

/** One of a subject's sessions. */
export interface SubjectSession {
  /** Identifies the session for `end`; the same as `session.ref`. It cannot be used as a token. */
  readonly ref: string
  readonly createdAt: Date
  readonly renewedAt: Date | null
  /** When it was last used, accurate to a quarter of the idle time. */
  readonly seenAt: Date
  readonly label: string | null
  /** Whether the sign-in set `persist`. */
  readonly isPersistent: boolean
  /** Whether the session is bound to a device (`deviceBound`): a stolen cookie is of little use. */
  readonly isBound: boolean
}

/** `revoked`: done. `gone`: there was no session to end. `unconfirmed`: the store did not confirm it. */
export type RevokeOutcome = 'revoked' | 'gone' | 'unconfirmed'

/** Methods for all sessions of one subject. They throw a TypeError if the subject is not a non-empty string. */
export interface SubjectSessions {
  /**
   * Ends all sessions of a subject with one write, for example when an account is disabled or its password changes.
   * Later requests do not find them. `except`: a loaded session of this subject that stays. Throws a TypeError if it
   * has no `ref`.
   */
  readonly revoke: (
    subject: string,
    options?: { readonly except?: { readonly ref: string | null } },
  ) => Promise<RevokeOutcome>
  /** Lists the sessions of a subject. Throws a `SessionError` `unavailable` if the store does not answer. */
  readonly list: (subject: string) => Promise<readonly SubjectSession[]>
  /** Ends one session of a subject, by its `ref`. */
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
    'sessions.revoke: except must be a session that was loaded with this subject, not one that signs in now',
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
