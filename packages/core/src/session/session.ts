import type { DeviceStanding } from '../rules/device-mode.ts'
import type { ClearSiteData } from '../http/clear-site-data.ts'

/**
 * - `new`: no session was found. One is created if the handler changes the data, unless the visitor has a session
 *   that is sealed with a secret which this process does not have: then a change is `unavailable`.
 * - `live`: loaded.
 * - `unavailable`: there may be a session, but the store cannot be reached. The data is empty, and changes are
 *   not saved.
 * - `unproven`: there is a session that is bound to a device, and the request carries no fresh proof of it. The data is
 *   empty, and changes are not saved. Only with `deviceBound` in the mode `require`.
 *
 * Without a cookie the store is not queried, so `new` says nothing about the store.
 */
export type SessionState = 'new' | 'live' | 'unavailable' | 'unproven'

export interface SignInOptions {
  /** What the subject's list shows of this session, such as the browser's name. Default: nothing. */
  readonly label?: string | null
  /**
   * Remembers the visitor: the cookie stays when the browser closes, until the session's absolute end, and the session
   * lasts as long as the option `lifetime.persistent` says. It holds until the next sign-in. Default: false.
   */
  readonly persist?: boolean
  /**
   * Whether the browser is offered to bind the session to its device. Default: true if `createSessions` has the option
   * `deviceBound`, otherwise false.
   */
  readonly deviceBound?: boolean
}

export interface RequireBoundOptions {
  /**
   * For browsers that cannot be bound: let a session that is not bound pass if it was signed in to at most this many
   * seconds ago. Default: refuse it.
   */
  readonly orFresh?: number
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
   * snapshot at load. The object itself cannot be replaced. After the commit, and where the session can only be
   * read, it is a view that refuses every change with a `SessionError` (`committed`, `read-only`).
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
  /** Whether it was loaded as one whose sign-in asked to be remembered, by `persist`. */
  readonly isPersistent: boolean
  /** The account that the session was loaded with, as given to `signIn`; `null` if it has no account. */
  readonly subject: string | null
  /** Names the session in its subject's list (`sessions.list`, `sessions.end`); `null` without a subject. */
  readonly ref: string | null
  /**
   * Whether the session is bound to a device, and this request has proved it: `bound`, `stale`, `pending` or `unbound`.
   * Always `unbound` without the option `deviceBound`.
   */
  readonly device: DeviceStanding
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
   * Throws a `SessionError` `not-bound` unless the session is bound to a device and this request has proved it. For
   * what a stolen cookie must not be able to do. With `orFresh` a session that is not bound passes, or throws, as
   * `requireFresh` does. In the mode `observe` it never throws.
   */
  readonly requireBound: (options?: RequireBoundOptions) => void
  /**
   * A token for a form that only a page made for this session has. It changes with every sign-in and `renew`,
   * not with rotation. Asking for one creates a session. Rejects with a `SessionError` `unavailable` if the
   * session is unavailable, or sealed with a secret that this process does not have; `not-bound` if it is unproven;
   * `committed` or `read-only` if no session can begin any more.
   */
  readonly csrfToken: () => Promise<string>
  /**
   * Why the session is in its state and what becomes of a change, in words for a log or a page of support. It holds no
   * token, id, account or value.
   */
  readonly explain: () => string
  /** Whether a submitted form brings the token of this session. */
  readonly verifyCsrf: (token: unknown) => Promise<boolean>
}
