import type { DeviceStanding } from '../rules/device-mode.ts'
import type { ClearSiteData } from '../http/clear-site-data.ts'

/**
 * - `new`: no session was found. A change of the data creates one. Exception: if the visitor's session is sealed with a
 *   secret that this process does not have, a change is `unavailable`.
 * - `live`: the session was loaded.
 * - `unavailable`: the session could not be read. The store did not answer, a newer version of the app saved the
 *   session, `migrate.up` failed, or the request came over plain http (see `cookie.secure`). The data is empty, and
 *   changes are not saved.
 * - `unproven`: the session is bound to a device, and the request has no fresh proof of it. The data is empty, and
 *   changes are not saved. Only if `deviceBound` has the mode `require`.
 *
 * Without a session cookie the store is not queried, so the state is `new` even during an outage.
 */
export type SessionState = 'new' | 'live' | 'unavailable' | 'unproven'

export interface SignInOptions {
  /**
   * Text that `sessions.list` shows for this session, such as the browser's name: 1 to 256 characters. Default: null.
   */
  readonly label?: string | null
  /**
   * Remembers the visitor. The browser keeps the cookie when it closes, until the session's absolute end, and
   * `lifetime.persistent` applies. The next sign-in sets this anew. Default: false.
   */
  readonly persist?: boolean
  /**
   * Whether to ask the browser to bind the session to its device. `true` needs the option `deviceBound` of
   * `createSessions`. Default: true with that option, otherwise false.
   */
  readonly deviceBound?: boolean
}

export interface RequireBoundOptions {
  /**
   * Accepts a session that is not bound if the last sign-in or renewal was at most this many seconds ago, for browsers
   * that cannot bind sessions. Default: such a session is refused.
   */
  readonly orFresh?: number
}

export interface RenewOptions {
  /**
   * Set it if the visitor has just authenticated again: the absolute lifetime starts again. Default: false.
   */
  readonly reauthenticated?: boolean
  /**
   * For code that knows that a login happened, and not of which account: a sign-in after which the session has no
   * subject. It leaves its subject's list, so `sessions.list` and `sessions.revoke` do not reach it, is bound to no
   * device yet, and its absolute lifetime starts again. `signIn` in the same request takes precedence. Default: false.
   */
  readonly withoutSubject?: boolean
}

export interface DestroyOptions {
  /**
   * Values of the response header `Clear-Site-Data`: `['cache']` removes pages that the Back button would show. The
   * header is not sent if the store does not confirm the sign-out. Default: no header.
   */
  readonly clearSiteData?: readonly ClearSiteData[]
}

/** The session of one request. Its methods can be destructured. */
export interface Session<data extends object = Record<string, unknown>> {
  /**
   * The data, as an ordinary object: read, assign, push, delete. The commit compares it with the loaded data to find
   * the changes. The object itself cannot be replaced. After the commit (`committed`), and where the session is
   * read-only (`read-only`), it is a view that throws a `SessionError` on every change.
   */
  readonly data: data
  /** The key of the record in the store, safe in logs; `null` if nothing is stored. */
  readonly id: string | null
  /** The result of loading the session. */
  readonly state: SessionState
  /** When the session began: its creation, last sign-in or last reauthentication; `null` for a new one. */
  readonly createdAt: Date | null
  /** When `signIn` or `renew` last gave it a token; `null` if neither did. */
  readonly renewedAt: Date | null
  /** Whether the sign-in of the loaded session set `persist`. */
  readonly isPersistent: boolean
  /** The subject of the loaded session, as given to `signIn`; `null` if it has none. `signIn` does not change it. */
  readonly subject: string | null
  /** Identifies the loaded session for `sessions.list` and `sessions.end`; `null` without a subject. */
  readonly ref: string | null
  /**
   * Whether the session is bound to a device, and whether this request proves it. Always `unbound` without the option
   * `deviceBound`.
   */
  readonly device: DeviceStanding
  /**
   * Signs the visitor in at commit. The session always gets a new token, and the old one stops working at once. The
   * absolute lifetime starts again.
   *
   * All data is kept, also if another account was signed in. To start with empty data, delete every key before the
   * call: `for (const key of Object.keys(data)) delete data[key]`. `destroy()` in the same request cancels the sign-in.
   *
   * `subject`: the id of the account, 1 to 256 characters without NUL, for `sessions.list` and `sessions.revoke`.
   * Throws a `SessionError`: `unsupported-value` for another subject or label, `invalid-option`, `committed` or
   * `read-only`.
   */
  readonly signIn: (subject: string, options?: SignInOptions) => void
  /**
   * Gives the session a new token at commit; the old one stops working at once. The data is kept. Call it whenever the
   * visitor's rights change, to prevent session fixation. `signIn` includes it.
   */
  readonly renew: (options?: RenewOptions) => void
  /**
   * Ends the session at commit, in every process, and deletes the cookie. It overrides every other method, whether
   * called before or after it, and drops changes of the data.
   */
  readonly destroy: (options?: DestroyOptions) => void
  /**
   * Drops the changes of this request, `signIn` and `renew` included. A later `signIn` or `renew` undoes it. Does not
   * undo `destroy`.
   */
  readonly discard: () => void
  /**
   * Throws a `SessionError` `not-fresh` unless the last `signIn` or `renew` was at most this many seconds ago. Use it
   * to protect sensitive actions in a session that the visitor left open.
   */
  readonly requireFresh: (seconds: number) => void
  /**
   * Throws a `SessionError` `not-bound` unless the session is bound to a device and this request proves it. Use it for
   * actions that a stolen cookie must not allow. With `orFresh`, a session that is not bound is checked like
   * `requireFresh`. In the mode `observe` it never throws.
   */
  readonly requireBound: (options?: RequireBoundOptions) => void
  /**
   * Resolves with a token for forms, against forged requests (CSRF). The token changes with every `signIn` and `renew`,
   * but not with rotation. If there is no session, one is created, unless `discard` was called: then the token is never
   * valid. Rejects with a `SessionError`: `unavailable` if the
   * session is unavailable, or sealed with a secret that this process does not have; `not-bound` if it is unproven;
   * `committed` or `read-only` if a session can no longer be created.
   */
  readonly csrfToken: () => Promise<string>
  /**
   * Explains in words why the session is in its state and what happens to a change, for logs and support pages. The
   * text contains no token, id, account or value.
   */
  readonly explain: () => string
  /**
   * Resolves with whether `token` is the form token of this session. Await it: an unawaited call makes the commit
   * throw.
   */
  readonly verifyCsrf: (token: unknown) => Promise<boolean>
}
