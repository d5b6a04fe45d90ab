import type { Committed } from '../commit/committed.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { Session } from '../session/session.ts'
import type { HandleOptions } from './open.ts'

export interface LazyOptions extends HandleOptions {
  /** Refuses every change with this text, which says where to make it instead. Default: changes are allowed. */
  readonly readOnly?: string
  /** What errors say, in the words of the framework. */
  readonly hints?: LazyHints
}

export interface LazyHints {
  /** The session was asked for after its end. */
  readonly late?: string
  /** `saveLate` found no session, and the cookie of a new one can no longer be sent. */
  readonly noSession?: string
}

/**
 * The session of one request, opened when it is first asked for and saved once at the end. A request that
 * never asks for it costs no trip. Every adapter stands on it.
 */
export interface LazySession<data extends object> {
  /**
   * The session: opened by the first call, the same one for every later call. One that is first asked for
   * after `end` refuses changes. Asking counts as reading: the response gets `Vary: Cookie`.
   */
  get(): Promise<Session<data>>
  /**
   * Saves now, so that the response can say what became of it; later changes are refused. Rejects, with
   * nothing written, if the session holds a value that cannot be stored. A response with a 5xx status then
   * reports a failure by itself, and `onFailure` is not called. Throws a `SessionError` `read-only` if the session
   * is first asked for after `end`.
   */
  commit(): Promise<Committed>
  /** Saves, and refuses changes from then on. `null`: the session was never asked for. */
  end(): Promise<Committed | null>
  readonly ended: boolean
  /** Drops the changes at the end. A `destroy` is still carried out. Never throws. */
  discard(): void
  /** Refuses every later change with this text, as `readOnly` does from the start. `saveLate` still saves. */
  lock(reason: string): void
  /**
   * For frameworks that answer an aborted request while its handler still runs, and drop what it throws. If the handler
   * calls `session.destroy()` after the end, `destroy` is called. Other changes are refused as before, and the event
   * `warning` says so.
   */
  onLateDestroy(destroy: () => void): void
  /**
   * Changes the data, also after the response has left, or while the session is locked: then it is opened and
   * saved once more, under the token that it has, and the result is the outcome. `null`: it was in time, and `end` saves
   * the change. Throws a `SessionError` `read-only` if there is no session to save into.
   */
  saveLate(change: (data: data) => void): Promise<Outcome | null>
  /**
   * Ends, and returns the response with the cookie and caching headers, or the one that `onFailure` gives. The
   * response itself is not changed. If the session cannot be saved, the changes are dropped and the error is thrown. If no header can be added to it (it is no Response, has a status below 200,
   * or its body has been read), the changes are dropped and a TypeError is thrown; an upgrade (the status 101) of a
   * session that was only read is returned as it is, and so is a response of a request that never asked for the
   * session.
   */
  answer(response: Response): Promise<Response>
  /**
   * Runs `next` and answers with its response. A thrown Response is an answer too, and is thrown on. After
   * any other throw the changes are dropped.
   */
  around(next: () => Response | Promise<Response>): Promise<Response>
}

/** What a handler needs of it. */
export type RequestSession<data extends object> = Pick<
  LazySession<data>,
  'get' | 'commit' | 'discard' | 'saveLate'
>
