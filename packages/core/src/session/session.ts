import type { ClearSiteData } from '../http/clear-site-data.ts'
import { clearSiteDataHeader } from '../http/clear-site-data.ts'
import type { Refuse } from '../data/data.ts'
import { SessionError } from '../errors.ts'
import type { Found, Intent } from '../rules/next-step.ts'

/**
 * `new`: nothing is stored for this visitor, as far as is known (without a cookie the store is not asked, and
 * may be away); something will be if the handler puts it in. `live`: loaded.
 * `unavailable`: there may be a session, but the store cannot be reached; the data are empty, and what is
 * put in is not saved.
 */
export type SessionState = 'new' | 'live' | 'unavailable'

export interface RenewOptions {
  /**
   * The visitor has just proved who they are again: the absolute lifetime begins anew. Default: false; it
   * goes on from when the session began.
   */
  readonly reauthenticated?: boolean
}

export interface DestroyOptions {
  /**
   * What else the visitor's browser forgets with this answer, by `Clear-Site-Data`: `['cache']` takes the pages
   * that Back would show. Left out while the store has not confirmed the end. Default: nothing.
   */
  readonly clearSiteData?: readonly ClearSiteData[]
}

/** What a handler holds during one request. */
export interface Session<data extends object = Record<string, unknown>> {
  /**
   * An ordinary object: read it, assign, push, delete. What changed is found by comparing with the
   * snapshot at load. The object itself cannot be replaced. After the commit a change throws.
   */
  readonly data: data
  /** The store's key, safe in logs; `null` while nothing is stored. */
  readonly id: string | null
  /** What loading found. */
  readonly state: SessionState
  /** When the session began; `null` for a new one. */
  readonly createdAt: Date | null
  /** When it was last renewed, which is when somebody last signed in; `null`: never. */
  readonly renewedAt: Date | null
  /**
   * Whose session it is: an account's id, 1 to 256 characters, by which its sessions can be listed and
   * revoked. Setting another one is a login: it renews the session, and the absolute lifetime begins
   * anew. `null`: nobody's.
   */
  subject: string | null
  /** What the subject's list shows of this session, such as the browser's name; kept at login and renew. */
  label: string | null
  /**
   * Gives the session a new token at commit and ends the old one; all data are kept. Call it whenever the
   * visitor's rights change, above all at login, so that a token known to somebody before is worth
   * nothing after (session fixation).
   */
  readonly renew: (options?: RenewOptions) => void
  /**
   * Ends the session at commit, everywhere, and deletes the cookie. Takes precedence over everything
   * else; changes to the data are dropped.
   */
  readonly destroy: (options?: DestroyOptions) => void
  /** Drops this request's changes. Takes back `renew`, and is taken back by it; never `destroy`. */
  readonly discard: () => void
  /**
   * Throws a `SessionError` `not-fresh` unless the session was renewed (signed in to) at most this many
   * seconds ago: for what should not be done with a session left open.
   */
  readonly requireFresh: (seconds: number) => void
}

/** What was loaded of a session, as far as the app sees it. Times in milliseconds since 1970. */
export interface SessionFacts {
  readonly found: Found
  readonly id: string | null
  readonly createdAt: number | null
  readonly renewedAt: number | null
  readonly subject: string | null
}

/** What the app asked for, at commit. */
export interface Wishes {
  readonly intent: Intent
  readonly reauthenticated: boolean
  readonly subject: string | null
  readonly label: string | null
  /** The value of `Clear-Site-Data`; `null`: none. */
  readonly clearSiteData: string | null
}

/** A session with what the commit needs to know about it. */
export interface SessionHandle<data extends object> {
  readonly session: Session<data>
  readonly wishes: () => Wishes
  /** Whether the handler looked at it. */
  readonly touched: () => boolean
  /** What is asked for later throws what `refuse` throws. */
  readonly close: (refuse: Refuse) => void
  /** After a commit that failed: it can be asked for something else. */
  readonly reopen: () => void
  /** The commit may have given the session another id, or none. */
  readonly rename: (id: string | null) => void
}

export function createSession<data extends object>(
  data: data,
  facts: SessionFacts,
  now: () => number,
): SessionHandle<data> {
  let { id, subject } = facts
  let intent: Intent = 'keep'
  let reauthenticated = false
  let label: string | null = null
  let clearSiteData: string | null = null
  let closed: Refuse | null = null
  let touched = false
  const ask = (next: Intent): void => {
    closed?.(`session.${next}()`)
    if (intent !== 'destroy') intent = next
  }
  const look = <value>(value: value): value => {
    touched = true
    return value
  }
  const session: Session<data> = {
    get data() {
      return look(data)
    },
    get id() {
      return look(id)
    },
    get state() {
      return look(stateOf(facts.found))
    },
    get createdAt() {
      return look(dateOf(facts.createdAt))
    },
    get renewedAt() {
      return look(dateOf(facts.renewedAt))
    },
    get subject() {
      return look(subject)
    },
    set subject(value) {
      closed?.('Assigning session.subject')
      checkText('subject', value)
      subject = value
    },
    get label() {
      return label
    },
    set label(value) {
      closed?.('Assigning session.label')
      checkText('label', value)
      label = value
    },
    renew(options = {}) {
      ask('renew')
      reauthenticated = options.reauthenticated ?? false
    },
    destroy({ clearSiteData: types = [] } = {}) {
      ask('destroy')
      clearSiteData = clearSiteDataHeader(types)
    },
    discard: () => ask('discard'),
    requireFresh(seconds) {
      look(null)
      if (!(seconds >= 0)) throw new TypeError('session.requireFresh: give a number of seconds')
      const { renewedAt } = facts
      if (renewedAt === null || now() - renewedAt > seconds * 1000) refuseStale()
    },
  }
  return {
    session: Object.freeze(session),
    wishes: () => ({ intent, reauthenticated, subject, label, clearSiteData }),
    touched: () => touched,
    close: (refuse) => void (closed = refuse),
    reopen: () => void (closed = null),
    rename: (newId) => void (id = newId),
  }
}

function stateOf(found: Found): SessionState {
  return found === 'live' || found === 'unavailable' ? found : 'new'
}

function dateOf(time: number | null): Date | null {
  return time === null ? null : new Date(time)
}

function checkText(name: string, value: string | null): void {
  if (value === null) return
  if (typeof value === 'string' && value !== '' && value.length <= 256 && isClean(value)) return
  throw new SessionError(
    'unsupported-value',
    `session.${name} must be null or 1 to 256 characters of text without NUL`,
  )
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function refuseStale(): never {
  throw new SessionError(
    'not-fresh',
    'The visitor signed in too long ago for this: have them sign in again, and call session.renew()',
  )
}
