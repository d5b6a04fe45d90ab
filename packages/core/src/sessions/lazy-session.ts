import type { Committed } from '../commit/committed.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { Session } from '../session/session.ts'
import type { HandleOptions } from './open.ts'

export interface LazyOptions extends HandleOptions {
  /**
   * Makes every change throw an error with this text. Say where to make the change instead. Default: changes are
   * allowed.
   */
  readonly readOnly?: string
  /** Texts of errors, in the terms of the framework. */
  readonly hints?: LazyHints
}

export interface LazyHints {
  /** For an error when the session is first used after `end`. */
  readonly late?: string
  /** For an error when `saveLate` finds no session, because the cookie of a new one can no longer be sent. */
  readonly noSession?: string
}

/**
 * The session of one request, loaded on first use and saved once at the end. A request that does not use it makes no
 * trip to the store. All adapters use this.
 */
export interface LazySession<data extends object> {
  /**
   * The session. The first call loads it, and later calls return the same one. If the first call comes after `end`, the
   * session is read-only. The call counts as reading: the response gets `Vary: Cookie`.
   */
  get(): Promise<Session<data>>
  /**
   * Saves now, so that the response can show the outcome; later changes throw. Rejects, with nothing written, if the
   * session contains a value that cannot be stored. If the response then has a 5xx status, it already reports the
   * failure, and `onFailure` is not called. Throws a `SessionError` `read-only` if the session is first used after
   * `end`.
   */
  commit(): Promise<Committed>
  /** Saves; later changes throw. Resolves with `null` if the session was not used. */
  end(): Promise<Committed | null>
  readonly ended: boolean
  /** Drops the changes. A `destroy` is still carried out. Never throws. */
  discard(): void
  /** Makes every later change throw an error with this text, like `readOnly`. `saveLate` still works. */
  lock(reason: string): void
  /**
   * For frameworks that answer an aborted request while its handler still runs, and drop its errors. If the handler
   * calls `session.destroy()` after the end, the session is ended under the token that it has by then; if that rejects,
   * `onError` is called. Other changes throw as before, and the event `warning` is emitted.
   */
  allowLateDestroy(onError: (error: unknown) => void): void
  /**
   * Changes the data, also after the response has been sent or while the session is locked. In that case the session is
   * loaded and saved again under its current token, and the promise resolves with the outcome. Otherwise it resolves
   * with `null`, and `end` saves the change. Throws a `SessionError` `read-only` if there is no session.
   */
  saveLate(change: (data: data) => void): Promise<Outcome | null>
  /**
   * Saves the session, and returns the response, or the one of `onFailure`, with the cookie and caching headers. The
   * given response is not changed. If saving throws, the changes are dropped and the error is thrown.
   *
   * If headers cannot be added (it is not a Response, its status is below 200 or above 599, or its body has been read),
   * the changes are dropped and a TypeError is thrown. Exceptions, which are returned as they are: an upgrade (status
   * 101) if the session was only read, and any response if the session was not used.
   */
  answer(response: Response): Promise<Response>
  /**
   * Runs `next`, and passes its response to `answer`. A thrown Response is handled in the same way, and thrown again.
   * After any other error the changes are dropped and the error is thrown again.
   */
  around(next: () => Response | Promise<Response>): Promise<Response>
}

/** The part of `LazySession` for handlers. */
export type RequestSession<data extends object> = Pick<
  LazySession<data>,
  'get' | 'commit' | 'discard' | 'saveLate'
>
