import type { RandomBytes } from '../crypto/random.ts'
import { randomBytes } from '../crypto/random.ts'
import type { Data, Refuse } from '../data/data.ts'
import { SessionError } from '../errors.ts'
import type { ClearSiteData } from '../http/clear-site-data.ts'
import { clearSiteDataHeader } from '../http/clear-site-data.ts'
import type { Intent, LoadState } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'
import { rootLength } from '../store/record.ts'
import { csrfTokenOf, isSameText } from './csrf.ts'

/**
 * - `new`: no session was found. One is created if the handler changes the data.
 * - `live`: loaded.
 * - `unavailable`: there may be a session, but the store cannot be reached. The data is empty, and changes are
 *   not saved.
 *
 * Without a cookie the store is not queried, so `new` says nothing about the store.
 */
export type SessionState = 'new' | 'live' | 'unavailable'

export interface SignInOptions {
  /** What the subject's list shows of this session, such as the browser's name. Default: nothing. */
  readonly label?: string | null
}

export interface RenewOptions {
  /**
   * The visitor has just proved who they are again: the absolute lifetime begins anew. Default: false, it
   * continues from when the session began.
   */
  readonly reauthenticated?: boolean
}

export interface DestroyOptions {
  /**
   * What else the browser forgets with this response, by `Clear-Site-Data`: `['cache']` takes the pages that
   * the Back button would show. Not sent if the store does not confirm the end. Default: nothing.
   */
  readonly clearSiteData?: readonly ClearSiteData[]
}

/** What a handler holds during one request. Its methods can be used without the object. */
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
  /** When it last got a new token by `signIn` or `renew`; `null`: never. */
  readonly renewedAt: Date | null
  /** The account that the session was loaded with, as given to `signIn`; `null`: none. */
  readonly subject: string | null
  /** Names the session in its subject's list (`sessions.list`, `sessions.end`); `null` without a subject. */
  readonly ref: string | null
  /**
   * Signs the visitor in at commit: a new token, also for the same subject; the old one is dead at once. The
   * data is kept, and the absolute lifetime begins anew. `subject`: the account's id, 1 to 256 characters, by
   * which its sessions can be listed and revoked.
   */
  readonly signIn: (subject: string, options?: SignInOptions) => void
  /**
   * Gives the session a new token at commit and ends the old one; the data is kept. Call it whenever the
   * visitor's rights change, so that a token known before is worth nothing after (session fixation). `signIn`
   * does it by itself.
   */
  readonly renew: (options?: RenewOptions) => void
  /**
   * Ends the session at commit, everywhere, and deletes the cookie. Takes precedence over everything
   * else; changes to the data are dropped.
   */
  readonly destroy: (options?: DestroyOptions) => void
  /** Drops this request's changes. Takes back `signIn` and `renew`, and is taken back by them; never `destroy`. */
  readonly discard: () => void
  /**
   * Throws a `SessionError` `not-fresh` unless the session was renewed (signed in to) at most this many
   * seconds ago. For actions that a session left open must not allow.
   */
  readonly requireFresh: (seconds: number) => void
  /**
   * A token for a form that only a page made for this session has. It changes with every sign-in and `renew`,
   * not with rotation. Asking for one creates a session. Rejects with a `SessionError` `unavailable` if the
   * session is unavailable.
   */
  readonly csrfToken: () => Promise<string>
  /** Whether a submitted form brings the token of this session. */
  readonly verifyCsrf: (token: unknown) => Promise<boolean>
}

/** What was loaded of a session. */
export interface SessionStart {
  readonly state: LoadState
  readonly id: string | null
  readonly record: SessionRecord | null
}

export interface SignIn {
  readonly subject: string
  readonly label: string | null
}

/** What a session's methods asked for. */
export interface AskedFor {
  readonly intent: Intent
  readonly reauthenticated: boolean
  readonly signIn: SignIn | null
  /** The value of `Clear-Site-Data`; `null`: none. */
  readonly clearSiteData: string | null
}

export interface SessionOptions {
  readonly now: () => number
  readonly random: RandomBytes
}

/** The commit's side of a session. The app never holds it. */
export class SessionControl {
  readonly start: SessionStart
  readonly data: Data
  readonly options: SessionOptions
  /** What the app holds. */
  readonly session: Session<object>
  asked: AskedFor = {
    intent: 'keep',
    reauthenticated: false,
    signIn: null,
    clearSiteData: null,
  }
  /** Whether the handler looked at the session. */
  isRead = false
  /** Set if the session gets a root of its own: a token for a form was made, or the session is renewed. */
  newRoot: Uint8Array | null = null
  id: string | null
  #refuse: Refuse | null = null

  constructor(start: SessionStart, data: Data, options: SessionOptions) {
    this.start = start
    this.data = data
    this.options = options
    this.id = start.id
    this.session = Object.freeze(new HandlerSession(this))
  }

  /** Refuses every later change by what `refuse` throws. */
  close(refuse: Refuse): void {
    this.data.close(refuse)
    this.#refuse = refuse
  }

  /** After a commit that failed, the session can be asked for something else. */
  reopen(): void {
    this.#refuse = null
  }

  /** A method was called. Throws if the session is closed. Nothing takes back a `destroy`. */
  ask(method: string, change: Partial<AskedFor>): void {
    this.#refuse?.(`session.${method}()`)
    const isDestroyed = this.asked.intent === 'destroy'
    this.asked = { ...this.asked, ...change, ...(isDestroyed ? { intent: 'destroy' } : {}) }
  }

  /** The root that the session has after this request. */
  rootForForms(): Uint8Array {
    const { record } = this.start
    return record === null || this.asked.intent === 'renew' ? this.freshRoot() : record.root
  }

  freshRoot(): Uint8Array {
    this.newRoot ??= randomBytes(this.options.random, rootLength)
    return this.newRoot
  }
}

class HandlerSession implements Session<object> {
  readonly #control: SessionControl

  constructor(control: SessionControl) {
    this.#control = control
  }

  #read(): SessionControl {
    this.#control.isRead = true
    return this.#control
  }

  get data() {
    return this.#read().data.object
  }

  get id() {
    return this.#read().id
  }

  get state() {
    return stateOf(this.#read().start.state)
  }

  get createdAt() {
    return dateOf(this.#read().start.record?.createdAt)
  }

  get renewedAt() {
    return dateOf(this.#read().start.record?.renewedAt)
  }

  get subject() {
    return this.#read().start.record?.owner?.subject ?? null
  }

  get ref() {
    return this.#read().start.record?.owner?.ref ?? null
  }

  // Getters that make a function, so that a handler may take the methods apart: `({ data, signIn }) => …`
  get signIn() {
    return (subject: string, { label = null }: SignInOptions = {}): void => {
      checkText('session.signIn: the subject', subject)
      if (label !== null) checkText('session.signIn: the label', label)
      this.#control.ask('signIn', { intent: 'renew', signIn: { subject, label } })
    }
  }

  get renew() {
    return ({ reauthenticated = false }: RenewOptions = {}): void =>
      this.#control.ask('renew', { intent: 'renew', reauthenticated })
  }

  get destroy() {
    return ({ clearSiteData = [] }: DestroyOptions = {}): void => {
      const header = clearSiteDataHeader(clearSiteData)
      this.#control.ask('destroy', { intent: 'destroy', clearSiteData: header })
    }
  }

  get discard() {
    return (): void =>
      this.#control.ask('discard', { intent: 'discard', signIn: null, reauthenticated: false })
  }

  get requireFresh() {
    return (seconds: number): void => {
      const { start, options } = this.#read()
      if (!(seconds >= 0)) throw new TypeError('session.requireFresh: give a number of seconds')
      const renewedAt = start.record?.renewedAt ?? null
      if (renewedAt === null || options.now() - renewedAt > seconds * 1000) refuseStale()
    }
  }

  get csrfToken() {
    return async (): Promise<string> => {
      const control = this.#read()
      if (control.start.state === 'unavailable') {
        throw new SessionError('unavailable', 'The session store did not answer: respond with 503')
      }
      return csrfTokenOf(control.rootForForms())
    }
  }

  get verifyCsrf() {
    return async (token: unknown): Promise<boolean> => {
      const { record } = this.#read().start
      if (record === null || typeof token !== 'string') return false
      return isSameText(token, await csrfTokenOf(record.root))
    }
  }
}

function stateOf(state: LoadState): SessionState {
  return state === 'live' || state === 'unavailable' ? state : 'new'
}

function dateOf(time: number | null | undefined): Date | null {
  return time === null || time === undefined ? null : new Date(time)
}

function checkText(name: string, value: string): void {
  if (typeof value === 'string' && value !== '' && value.length <= 256 && isClean(value)) return
  throw new SessionError(
    'unsupported-value',
    `${name} must be 1 to 256 characters of text without NUL`,
  )
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function refuseStale(): never {
  throw new SessionError(
    'not-fresh',
    'The visitor signed in too long ago for this: have them sign in again, and call session.signIn()',
  )
}
