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
  'There is no session, and the cookie of a new one can no longer be sent: change it before the response is returned'

/** Other libraries have `session.get('user')`. A promise is truthy, so a guard would let every visitor in. */
const noKeys = 'get() takes no key: (await session.get()).data'

/** In a framework's log, only the prefix tells whose error it is. */
function named(hint: string): string {
  return `Coatcheck: ${hint}`
}

export type OpenRequest = (
  source: CookieSource,
  options?: OpenOptions,
  again?: Again,
) => Promise<OpenedRequest>

/** The lazy session of one request. */
export class LazyRequest extends Unopened implements LazySession<object> {
  readonly #open: OpenRequest
  readonly #source: CookieSource
  readonly #options: LazyOptions & { readonly onFailure: OnFailure }
  #opened: Promise<OpenedRequest> | null = null
  /** The resolved value of `#opened`. */
  #found: OpenedRequest | null = null
  #asked: Promise<Session<object>> | null = null
  /** `undefined` until the end of the request. */
  #committed: Committed | null | Promise<Committed | null> | undefined
  /** The handler's response, once it exists. */
  #response: Response | undefined
  #discarded = false
  #locked: string | undefined
  /** Whether the app got the result from `commit`. */
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
    // Counts as read now: a stream may read the data after the headers have been sent.
    void session.state
    return session
  }

  /** Opens the session without counting it as read. */
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
    this.#isKnown = true
    const committed = await this.end()
    if (committed === null) throw new SessionError('read-only', this.#lateText)
    return committed
  }

  async end(): Promise<Committed | null> {
    return this.#endNow()
  }

  /** The result of `end`, synchronously if there is nothing to wait for. */
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
    // Code that asked for the session without awaiting it gets it first, so that its change is saved.
    await this.#asked?.catch(() => null)
    // Code that asked for a session that could not be opened has already received the error.
    const opened = await this.#opened?.catch(() => null)
    return opened ? this.#commitOpened(opened) : null
  }

  #commitOpened(opened: OpenedRequest): Committed | Promise<Committed> {
    if (this.#discarded) dropChanges(opened.session)
    return opened.commitNow(this.#response)
  }

  /** Has no effect once the commit has begun: the response must report what is being saved. */
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
    // A session that is opened later gets the handler then.
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
   * The session as it is stored now, under the visitor's token after the first commit. A proof that was valid when the
   * request arrived stays valid for all of it: the bound cookie may have expired, or belong to the session before a
   * sign-in.
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
    // If the session was not used, the body is not inspected, because some runtimes then turn it into a stream.
    const fault = this.#opened === null ? null : answerFault(response)
    if (fault !== null) return this.#refuse(response, fault)
    this.#response = response
    // The app knows that its commit has failed, and answers that itself.
    if (this.#isKnown && response.status >= 500) this.discard()
    const committed = this.#endNow()
    if (!isPromise(committed)) return this.#answerAs(committed, response)
    return committed.then(
      (known) => this.#answerAs(known, response),
      // Ends the request. Otherwise later changes would be accepted, and lost.
      (error: unknown) => this.fail(error),
    )
  }

  #answerAs(committed: Committed | null, response: Response): Response | Promise<Response> {
    if (committed === null) return response
    const isReported = committed.failure === null || (this.#isKnown && response.status >= 500)
    if (isReported) return committed.applyTo(response)
    return answerWith(committed, response, this.#options.onFailure)
  }

  /** Checked before the commit; afterwards the cookie of a new token would be lost. */
  async #refuse(response: Response, fault: string): Promise<Response> {
    if (response?.status === 101 && (await this.endUnchanged())) return response
    const effect = this.ended ? headersAreLost : 'The changes of the session are dropped'
    this.discard()
    // The fault of the response is more important than a failed save.
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

  /** Drops the changes and rethrows the handler's error. */
  async fail(thrown: unknown): Promise<never> {
    this.discard()
    // The handler's error is more important than a failed save.
    await this.end().catch(() => {})
    throw thrown
  }

  /**
   * Ends the request for a response that cannot carry headers. Returns false without ending it if the session was
   * changed: then the response must not be sent. True if the handler has already committed.
   */
  async endUnchanged(): Promise<boolean> {
    const opened = this.#isKnown ? null : await this.#opened?.catch(() => null)
    try {
      if (opened?.isChanged()) return false
    } catch (error) {
      return this.fail(error)
    }
    // No rotation either: the cookie of the new token would be lost.
    this.discard()
    await this.end()
    return true
  }
}

function dropChanges(session: Session<object>): void {
  try {
    session.discard()
  } catch {
    // A locked session has no changes.
  }
}
