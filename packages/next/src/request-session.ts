import type { Committed, HandleOptions, LazySession, Outcome, Sessions } from '@coatcheck/core'

export type Lazy = LazySession<object>
export type AnySessions = Pick<Sessions<object>, 'describePolicy' | 'lazy'>
export type HandlerOptions = Pick<HandleOptions, 'onFailure' | 'touch'>

/** Calls the handler of the app. */
export type Run = () => Promise<unknown>

/** After these a page shows the session as the handler left it. After the others it is loaded again. */
const asShown: readonly Outcome[] = ['unchanged', 'created', 'saved', 'renewed', 'rotated']

/** The session of one request: what one handler leaves, the next one and the page get. */
export class RequestSession {
  /** The `Cookie` header that opens it. */
  cookies: string | null
  /** What the last handler that asked for the session told the browser and the caches. */
  told: Committed | Promise<Committed> | null = null
  readonly #sessions: () => AnySessions
  readonly #touch: boolean
  #shown: Lazy | null = null
  #written: Lazy | null = null

  constructor(sessions: () => AnySessions, cookies: string | null, touch = true) {
    this.cookies = cookies
    this.#sessions = sessions
    this.#touch = touch
  }

  async read(): Promise<Lazy> {
    await this.shown()
    this.#shown ??= this.#sessions().lazy(this.cookies, { touch: this.#touch })
    this.#shown.lock(readOnly)
    return this.#shown
  }

  async write(options: HandlerOptions): Promise<Lazy> {
    await this.shown()
    const { touch = this.#touch } = options
    this.#written = this.#sessions().lazy(this.cookies, { ...options, touch, hints })
    return this.#written
  }

  /** What is known of it; `null`: it has to be loaded. */
  async shown(): Promise<Lazy | null> {
    const written = this.#written
    const committed = written?.ended ? await written.end() : null
    if (committed === null || this.#written !== written) return this.#shown
    this.told = committed
    const { outcome, cookie } = committed
    if (cookie !== null) this.cookies = cookie.value && `${cookie.name}=${cookie.value}`
    this.#shown = asShown.includes(outcome) ? written : null
    this.#written = null
    return this.#shown
  }
}

/** The headers of a request, by lower-case name. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** Whether the visitor may never see the answer: then it is no use of the session. */
export function isPrefetch(headers: RequestHeaders): boolean {
  const { purpose = '', 'sec-purpose': secPurpose = purpose } = headers
  // Next.js hides its own header from most code.
  return /^prefetch\b/.test(String(secPurpose)) || 'next-router-prefetch' in headers
}

const readOnly =
  'Here the session can only be read: change it in a server action or route handler that is wrapped in ' +
  'handle(), or in proxy.ts; after the response, with saveLate(session, change)'

const hints = {
  late: 'getSession() came after the response: call it earlier, and then saveLate(session, change)',
  noSession:
    'saveLate(): there is no session yet, and its cookie can no longer be sent: change it earlier',
}
