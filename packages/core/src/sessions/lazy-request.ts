import { isPromise } from '../crypto/is-promise.ts'
import type { Committed } from '../commit/committed.ts'
import { SessionError } from '../errors.ts'
import type { CookieSource } from '../http/transport.ts'
import type { OnFailure } from '../http/failure-response.ts'
import { headersAreLost } from '../http/headers.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { Session } from '../session/session.ts'
import { answerFault, answerWith, isResponse } from './answer.ts'
import type { LazyOptions, LazySession } from './lazy-session.ts'
import type { Again, OpenedRequest, OpenOptions } from './open.ts'
import { mustAwait } from './must-await.ts'
import { Unopened } from './unopened.ts'

const lateHint =
  'The session was asked for after the response, so changes would be lost: ask earlier'

const noSessionHint =
  'There is no session to save into, and the cookie of a new one can no longer be sent. Change the session ' +
  'before the response is returned'

/** In other libraries it is `session.get('user')`. A promise counts as true, so a guard would let every visitor in. */
const noKeys = 'get() takes no key: (await session.get()).data'

/** In a framework's log nothing else says whose error it is. */
function named(hint: string): string {
  return `Coatcheck: ${hint}`
}

export type OpenRequest = (
  source: CookieSource,
  options?: OpenOptions,
  again?: Again,
) => Promise<OpenedRequest>

/** One request's lazy session. */
export class LazyRequest extends Unopened implements LazySession<object> {
  readonly #open: OpenRequest
  readonly #source: CookieSource
  readonly #options: LazyOptions & { readonly onFailure: OnFailure }
  #opened: Promise<OpenedRequest> | null = null
  /** The same, once it is there. */
  #found: OpenedRequest | null = null
  #asked: Promise<Session<object>> | null = null
  /** `undefined` until the end. */
  #committed: Committed | null | Promise<Committed | null> | undefined
  /** That of the handler, once it is there. */
  #response: Response | undefined
  #discarded = false
  #locked: string | undefined
  /** Whether the app has the result from `commit`. */
  #isKnown = false
  #onLateError: ((error: unknown) => void) | null = null

  constructor(
    open: OpenRequest,
    source: CookieSource,
    options: LazyOptions & { readonly onFailure: OnFailure },
  ) {
    super()
    this.#open = open
    this.#source = source
    this.#options = options
    this.#locked = options.readOnly
  }

  get(...keys: readonly unknown[]): Promise<Session<object>> {
    if (keys.length > 0) throw new TypeError(named(noKeys))
    this.#asked ??= mustAwait(this.#read())
    return this.#asked
  }

  async #read(): Promise<Session<object>> {
    const { session } = await this.opened()
    // Its data may be read in a stream, after the headers have left.
    void session.state
    return session
  }

  /** The session without counting it as read. */
  opened(): Promise<OpenedRequest> {
    this.#opened ??= this.#openFirst(this.ended)
    return this.#opened
  }

  async #openFirst(late: boolean): Promise<OpenedRequest> {
    const opened = await this.#open(this.#source, this.#options)
    if (late) {
      opened.lock(this.#lateText)
      opened.release()
    }
    if (this.#locked !== undefined) opened.lock(this.#locked)
    if (this.#onLateError !== null) opened.allowLateDestroy(this.#onLateError)
    this.#found = opened
    return opened
  }

  get #lateText(): string {
    return named(this.#options.hints?.late ?? lateHint)
  }

  commit(): Promise<Committed> {
    return mustAwait(this.#commitKnown())
  }

  async #commitKnown(): Promise<Committed> {
    if (this.#committed !== null) await this.get()
    const committed = await this.end()
    if (committed === null) throw new SessionError('read-only', this.#lateText)
    this.#isKnown = true
    return committed
  }

  async end(): Promise<Committed | null> {
    return this.#endNow()
  }

  /** What `end` resolves with, at once if there is nothing to wait for. */
  #endNow(): Committed | null | Promise<Committed | null> {
    if (this.#committed === undefined) this.#committed = this.#commitNow()
    return this.#committed
  }

  get ended(): boolean {
    return this.#committed !== undefined
  }

  #commitNow(): Committed | null | Promise<Committed | null> {
    if (this.#opened === null) return null
    const found = this.#asked === null ? this.#found : null
    const committed = found === null ? this.#commit() : this.#commitOpened(found)
    if (!isPromise(committed)) return committed
    return committed.catch((error: unknown) => {
      this.#committed = undefined
      throw error
    })
  }

  async #commit(): Promise<Committed | null> {
    // Code that asked for the session without waiting for it gets it first, and its change is saved.
    await this.#asked?.catch(() => null)
    // Code that asked for a session that could not be opened has got the error already.
    const opened = await this.#opened?.catch(() => null)
    return opened ? this.#commitOpened(opened) : null
  }

  #commitOpened(opened: OpenedRequest): Committed | Promise<Committed> {
    if (this.#discarded) dropChanges(opened.session)
    return opened.commitNow(this.#response)
  }

  /** Without effect once the end has begun: what is being saved is what the answer says. */
  discard(): void {
    if (!this.ended) this.#discarded = true
  }

  lock(reason: string): void {
    this.#locked = reason
    // A session that is opened later is locked then.
    this.#opened?.then(
      (opened) => opened.lock(reason),
      () => {},
    )
  }

  allowLateDestroy(onError: (error: unknown) => void): void {
    this.#onLateError = onError
    // One that is still to be opened gets it then.
    this.#found?.allowLateDestroy(onError)
  }

  async saveLate(change: (data: object) => void): Promise<Outcome | null> {
    const session = await this.get()
    if (!this.ended && this.#locked === undefined) {
      change(session.data)
      return null
    }
    const again = await this.#openAgain(session)
    try {
      if (again.session.state === 'new') {
        if (session.id !== null) return 'gone'
        throw new SessionError('read-only', named(this.#options.hints?.noSession ?? noSessionHint))
      }
      change(again.session.data)
      return (await again.commitNow()).outcome
    } finally {
      again.release()
    }
  }

  /**
   * The session as it is stored now, under the token that the visitor has after the first commit. A proof that counted
   * when the request came counts to its end: the bound cookie ends, or is that of the session before a sign-in.
   */
  async #openAgain({ state, device }: Session<object>): Promise<OpenedRequest> {
    const cookie = (await this.#committed)?.cookie
    const isProven = state === 'live' && device !== 'stale'
    if (!cookie) return this.#open(this.#source, this.#options, { isProven })
    const { name, value, secure } = cookie
    return this.#open(`${name}=${value}`, { secure }, { isProven: true, isUnsent: true })
  }

  async answer(response: Response): Promise<Response> {
    return this.#answerNow(response)
  }

  #answerNow(response: Response): Response | Promise<Response> {
    // If the session was not asked for, the body is not looked at: some runtimes make a stream of it then.
    const fault = this.#opened === null ? null : answerFault(response)
    if (fault !== null) return this.#refuse(response, fault)
    this.#response = response
    const committed = this.#endNow()
    if (!isPromise(committed)) return this.#answerAs(committed, response)
    return committed.then(
      (known) => this.#answerAs(known, response),
      // Without an end, what comes later would be taken for in time, and lost.
      (error: unknown) => this.fail(error),
    )
  }

  #answerAs(committed: Committed | null, response: Response): Response | Promise<Response> {
    if (committed === null) return response
    const isReported = committed.failure === null || (this.#isKnown && response.status >= 500)
    if (isReported) return committed.applyTo(response)
    return answerWith(committed, response, this.#options.onFailure)
  }

  /** Checked before the commit: after it, the cookie of a session with a new token would be lost. */
  async #refuse(response: Response, fault: string): Promise<Response> {
    if (response?.status === 101 && (await this.endUnchanged())) return response
    const effect = this.ended ? headersAreLost : 'The changes of the session are dropped'
    this.discard()
    // What could not be saved matters less than what is wrong with the response.
    const committed = await this.end().catch(() => undefined)
    if (committed === null) return response
    throw new TypeError(`${fault}. ${effect}`)
  }

  async around(next: () => Response | Promise<Response>): Promise<Response> {
    let response: Response
    try {
      const answer = next()
      response = isResponse(answer) ? answer : await answer
    } catch (thrown) {
      if (isResponse(thrown)) throw await this.#answerNow(thrown)
      return this.fail(thrown)
    }
    return this.#answerNow(response)
  }

  /** Drops the changes, and throws what the handler threw. */
  async fail(thrown: unknown): Promise<never> {
    this.discard()
    // What could not be saved matters less than what was thrown.
    await this.end().catch(() => {})
    throw thrown
  }

  /**
   * Ends, for an answer that cannot carry headers. False, and not ended, if the session was changed: then the answer must
   * not go out. A session that the handler has committed by itself has nothing more to say.
   */
  async endUnchanged(): Promise<boolean> {
    const opened = this.#isKnown ? null : await this.#opened?.catch(() => null)
    try {
      if (opened?.isChanged()) return false
    } catch (error) {
      return this.fail(error)
    }
    // Not touched either: a token that is due would be replaced, and its cookie lost.
    this.discard()
    await this.end()
    return true
  }
}

function dropChanges(session: Session<object>): void {
  try {
    session.discard()
  } catch {
    // A session that is locked has no changes.
  }
}
