import { isPromise } from '../crypto/is-promise.ts'
import { checkBoolean } from '../check-option.ts'
import { afterFailure, commitSession } from '../commit/commit-session.ts'
import type { Committed } from '../commit/committed.ts'
import { failIfAsked } from '../commit/committed.ts'
import type { CommitContext } from '../commit/context.ts'
import type { FormerCookies, OpenSession } from '../commit/plan.ts'
import { isChanged } from '../commit/plan.ts'
import { SessionError } from '../errors.ts'
import type { CookieForm } from '../http/cookie.ts'
import type { CookieSource, Transport } from '../http/transport.ts'
import type { OnFailure } from '../http/failure-response.ts'
import { isPrefetch } from '../http/prefetch.ts'
import { readPresented } from '../http/read-token.ts'
import type { Presented } from '../http/read-token.ts'
import type { Found } from '../load/load.ts'
import { insecure, load, nothingFound } from '../load/load.ts'
import type { Session } from '../session/session.ts'
import { SessionControl } from '../session/control.ts'
import { judge } from './judge-device.ts'
import { mustAwait } from './must-await.ts'
import { shape } from './shape.ts'

export interface OpenOptions extends Transport {
  /**
   * Whether the request counts as a use of the session. A use extends the idle time, and rotates the token if that is
   * due. Set it to `false` for requests that the visitor did not make, such as polling; a change of the session still
   * extends the idle time. Default: true, but `false` for prefetches (Sec-Purpose, Purpose).
   */
  readonly touch?: boolean
}

export interface HandleOptions extends OpenOptions {
  /** Returns the response if a sign-in, sign-out or change was not done. Default: the option of `createSessions`. */
  readonly onFailure?: OnFailure
}

/** The two halves of `handle`, for frameworks with their own cookies and responses. */
export interface Opened<data extends object> {
  readonly session: Session<data>
  /**
   * Saves the session, once: a second call returns the result of the first, also if that is the error of an outage
   * (`unavailable: 'throw'`), unless the session was discarded or destroyed in between. Rejects, with nothing written, if
   * the session contains a value that cannot be stored; then it can be called again.
   */
  readonly commit: () => Promise<Committed>
  /**
   * Makes every later change throw a `SessionError` `read-only` with this text, for places where a framework can read a
   * session but not save it. Say in the text where to make the change instead.
   */
  readonly lock: (reason: string) => void
  /**
   * Whether the handler has changed or ended the session. Throws a `SessionError` if the session contains a value that
   * cannot be stored.
   */
  readonly isChanged: () => boolean
}

export type Open<data extends object> = (
  source: CookieSource,
  options?: OpenOptions,
) => Promise<Opened<data>>

export function checkFlags({ touch = true, secure = true }: OpenOptions): void {
  checkBoolean('touch', touch, 'sessions')
  checkBoolean('secure', secure, 'sessions')
}

/** For a session that its own request reopens after the response, when no cookie can be set any more. */
export interface Again {
  /** Whether the request has already proved its device, so that it is not checked again. */
  readonly isProven: boolean
  /** Whether the session is opened with a token that the browser may not have yet. */
  readonly isUnsent?: boolean
}

/** The first half of a request. */
export async function open(
  context: CommitContext,
  source: CookieSource,
  options?: OpenOptions,
): Promise<Opened<object>> {
  return (await openRequest(context, source, options)).asOpened()
}

export function openRequest(
  shared: CommitContext,
  source: CookieSource,
  options: OpenOptions = {},
  again?: Again,
): Promise<OpenedRequest> {
  if (shared.begin === null) return openWith(shared, source, options, again)
  const context = shared.begin()
  return releaseIfFailed(context, openWith(context, source, options, again))
}

async function releaseIfFailed<opened>(
  context: CommitContext,
  opening: Promise<opened>,
): Promise<opened> {
  try {
    return await opening
  } catch (error) {
    context.release()
    throw error
  }
}

async function openWith(
  context: CommitContext,
  source: CookieSource,
  options: OpenOptions,
  again: Again | undefined,
): Promise<OpenedRequest> {
  checkFlags(options)
  const form = context.cookieFor(source, options)
  // A reopened session is not touched: a token that is due would be rotated, and its cookie lost.
  const touch = again === undefined && (options.touch ?? !isPrefetch(source))
  const presented = form && readPresented(source, form, context.onEvent)
  const finding = presented === null ? findInsecure(context) : find(context, presented, touch)
  const loading = isPromise(finding) ? await finding : finding
  const judging = again?.isProven
    ? { found: loading, device: 'bound' as const }
    : judge(context, loading, source, form)
  const { found: judged, device } = isPromise(judging) ? await judging : judging
  const shaping = shape(context, judged)
  const { found, data, base } = isPromise(shaping) ? await shaping : shaping
  const { state, loaded, why } = found
  if (state === 'unavailable') {
    const isOutage = why !== 'newer-version' && why !== 'migration'
    failIfAsked(context.unavailable, isOutage ? state : why, form)
  }
  const id = loaded && loaded.address.id
  const start = {
    state,
    id,
    record: loaded && loaded.record,
    why,
    source,
    cookieName: presented?.form.name,
    device,
    isSecure: form?.attributes.secure === true,
  }
  const control = new SessionControl(start, data, context)
  const order = context.loads.count++
  const former = formerOf(presented, form)
  const { isUnsent } = again ?? {}
  const opened = {
    found,
    base,
    control,
    order,
    source,
    transport: options,
    touch,
    former,
    isUnsent,
  }
  return new OpenedRequest(context, opened, form)
}

function find(
  context: CommitContext,
  { token }: Presented,
  touch: boolean,
): Found | Promise<Found> {
  return token === null ? nothingFound : load(context, token, touch)
}

function findInsecure({ onEvent }: CommitContext): Found {
  onEvent({ type: 'request.insecure' })
  return insecure
}

function formerOf(presented: Presented | null, form: CookieForm | null): FormerCookies | undefined {
  if (presented === null || presented.former.length === 0) return undefined
  return { forms: presented.former, hasToken: presented.form !== form }
}

const tooLate = 'has no effect: the visitor has gone, and the session was saved'

/** An open session of a request. */
export class OpenedRequest {
  readonly #context: CommitContext
  readonly #opened: OpenSession
  readonly #form: CookieForm | null
  #committed: Committed | Promise<Committed> | null = null
  /** Thrown by a commit: the store may have the changes. */
  #outage: unknown = null

  constructor(context: CommitContext, opened: OpenSession, form: CookieForm | null) {
    this.#context = context
    this.#opened = opened
    this.#form = form
  }

  get session(): Session<object> {
    return this.#opened.control.session
  }

  /** Saves once; synchronously if there is nothing to write. `response`: the handler's, if known. */
  commitNow(response?: Response): Committed | Promise<Committed> {
    this.#opened.answer = response
    this.#committed ??= this.#commit()
    return this.#committed
  }

  #commit(): Committed | Promise<Committed> {
    const { intent } = this.#opened.control.asked
    const isRepeated = this.#outage !== null && intent !== 'discard' && intent !== 'destroy'
    // A second save could add to the data what the first has added.
    const committed = isRepeated
      ? Promise.reject<Committed>(this.#outage)
      : commitSession(this.#context, this.#opened, this.#form)
    return isPromise(committed) ? committed.catch((error) => this.#fail(error)) : committed
  }

  #fail(error: unknown): never {
    this.#committed = null
    if (error instanceof SessionError && error.code === 'unavailable') this.#outage = error
    afterFailure(this.#context, this.#opened, error)
    throw error
  }

  /** See `LazySession`. */
  allowLateDestroy(onError: (error: unknown) => void): void {
    const { onEvent, waitUntil } = this.#context
    this.#opened.control.allowLate({
      destroy: () => waitUntil(this.#destroyLate().catch(onError)),
      refused: (what) => onEvent({ type: 'warning', what: `${what} ${tooLate}` }),
    })
  }

  /** Ends the session that was found, and the one that the commit leads to, which may be in progress. */
  async #destroyLate(): Promise<void> {
    await Promise.resolve(this.#committed).catch(() => null)
    const open = this.#opened
    const { control, found } = open
    const { address, owner } = open.written ?? {}
    control.asked = { ...control.asked, intent: 'destroy' }
    try {
      if (address && address.id !== found.address?.id) {
        const there = { ...nothingFound, state: 'live', address, owner } as const
        await commitSession(this.#context, { ...open, found: there }, this.#form)
      }
    } finally {
      await releaseIfFailed(
        this.#context,
        Promise.resolve(commitSession(this.#context, open, this.#form)),
      )
    }
  }

  lock(reason: string): void {
    this.#opened.control.close(() => {
      throw new SessionError('read-only', reason)
    })
  }

  isChanged(): boolean {
    return isChanged(this.#opened)
  }

  /** Closes the request's own connections, if nothing is to be committed. */
  release(): void {
    this.#context.release()
  }

  /** The app's object, which can be destructured: `const { session, commit } = …` */
  asOpened(): Opened<object> {
    return {
      session: this.session,
      commit: () => mustAwait((async () => this.commitNow())()),
      lock: (reason) => this.lock(reason),
      isChanged: () => this.isChanged(),
    }
  }
}
