import { SessionError } from '../errors.ts'
import type { Listed } from './list.ts'
import type { Session } from '../session/session.ts'
import { sharedMap } from '../session/shared-map.ts'
import type { ListOutcome, Subjects } from './subjects.ts'

/** One of a subject's sessions. */
export interface SubjectSession {
  /** Names the session in `end`; worth nothing as a token. */
  readonly handle: string
  readonly createdAt: Date
  readonly renewedAt: Date | null
  readonly label: string | null
}

/** `revoked`: done. `gone`: there was nothing to end. `unconfirmed`: the store did not confirm it. */
export type RevokeOutcome = 'revoked' | 'gone' | 'unconfirmed'

/** What can be done with all sessions of one account. */
export interface SubjectSessions {
  /**
   * Ends all sessions of a subject, on every device, with one write: for a disabled account, a stolen
   * password. `except`: the session that stays. From the next load on they are over.
   */
  readonly revoke: (
    subject: string,
    options?: { readonly except?: Session<object> },
  ) => Promise<RevokeOutcome>
  /** A subject's sessions. Throws a `SessionError` `unavailable` when the store cannot be reached. */
  readonly list: (subject: string) => Promise<readonly SubjectSession[]>
  /** Ends one of a subject's sessions. */
  readonly end: (subject: string, handle: string) => Promise<RevokeOutcome>
}

export function createSubjectSessions(subjects: Subjects): SubjectSessions {
  return {
    async revoke(subject, { except } = {}) {
      checkSubject(subject)
      const handleOfExcept = except === undefined ? null : subjectHandles().get(except)
      if (handleOfExcept !== undefined) {
        return revokeOutcome(await subjects.revoke(subject, handleOfExcept))
      }
      throw new TypeError(
        'sessions.revoke: except must be a session that was loaded with this subject; ' +
          'one that signs in with this request is not yet in the list, and needs no exception',
      )
    },
    async list(subject) {
      checkSubject(subject)
      const found = await subjects.list(subject)
      if (found !== 'unavailable') return [...found].map(show)
      throw new SessionError('unavailable', 'The session store did not answer: answer 503')
    },
    async end(subject, handleOfSession) {
      checkSubject(subject)
      return revokeOutcome(await subjects.end(subject, handleOfSession))
    },
  }
}

/** By which handle a session that was loaded is in its subject's list. */
export const subjectHandles = (): WeakMap<object, string> => sharedMap('subject handles, 1')

function show([handle, { createdAt, renewedAt, label }]: readonly [
  string,
  Listed,
]): SubjectSession {
  return {
    handle,
    createdAt: new Date(createdAt),
    renewedAt: renewedAt === null ? null : new Date(renewedAt),
    label,
  }
}

function revokeOutcome(outcome: ListOutcome): RevokeOutcome {
  if (outcome === 'saved') return 'revoked'
  return outcome === 'missing' ? 'gone' : 'unconfirmed'
}

function checkSubject(subject: string): void {
  if (typeof subject === 'string' && subject !== '') return
  throw new TypeError('The subject must be the text that session.subject was set to')
}
