import type { Committed, LazySession } from '@coatcheck/core'
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { adoptHead, changeHeaders, headersOf, headOf } from './head.ts'

export interface HoldOptions {
  /** What an earlier handler of the same request has told the browser and the caches: it is said again. */
  readonly earlier?: Committed | null
  /** Whether a response with this status is an error, after which the changes are dropped. Default: none is. */
  readonly isError?: (status: number) => boolean
  /** Told why the session could not be saved. The response is then a 500. */
  readonly onError?: (error: unknown) => void
}

type Sending = Pick<ServerResponse, 'writeHead' | 'flushHeaders' | 'write' | 'end'>

type State = 'passing' | 'holding' | 'sending' | 'answered'

type Head = Pick<ServerResponse, 'statusCode' | 'statusMessage'> & {
  readonly headers: OutgoingHttpHeaders
}

/**
 * Holds back what sends the response, from `begin` until the session is saved. Our headers are added when the head leaves,
 * which is after everything that can set others. Middleware may have replaced the same methods before, and may do so later.
 * They are replaced before `begin`, because of `response.end(await …)`: the method is looked up before the argument.
 */
export class Hold {
  readonly #lazy: LazySession<object>
  readonly #response: ServerResponse
  readonly #options: HoldOptions
  readonly #originals: Sending
  readonly #atFirst: OutgoingHttpHeaders
  readonly #held: (() => unknown)[] = []
  #state: State = 'passing'
  #added: readonly Committed[] = []
  /** As it was when the first byte was sent: what sets headers later comes too late, as without a session. */
  #head: Head | null = null
  #hasEnded = false
  #released: Promise<void> | null = null

  constructor(lazy: LazySession<object>, response: ServerResponse, options: HoldOptions = {}) {
    this.#lazy = lazy
    this.#response = response
    this.#options = options
    const { writeHead, flushHeaders, write, end } = response
    this.#originals = { writeHead, flushHeaders, write, end }
    this.#atFirst = response.getHeaders()
    this.#replace()
  }

  /** From now on the session may change. */
  begin(): void {
    if (this.#state === 'passing') this.#state = 'holding'
  }

  /** Whether the response has been sent, or is held. */
  get isAnswered(): boolean {
    return this.#held.length > 0 || this.#response.headersSent
  }

  /** Saves, and sends what is held. Rejects if the session cannot be saved: then what is held becomes a 500. */
  release(): Promise<void> {
    return (this.#released ??= this.#saveAndSend())
  }

  #replace(): void {
    const response = this.#response
    const { writeHead, flushHeaders, write, end } = this.#originals
    const state = (): State => this.#state
    const keep = (name: keyof Sending, args: readonly unknown[]): ServerResponse =>
      this.#keep(name, args)
    const addHeaders = (to: ServerResponse): void => this.#addHeaders(to)
    const through = (name: keyof Sending, send: (...args: never[]) => unknown) =>
      function (this: ServerResponse, ...args: never[]): unknown {
        if (state() === 'holding') return keep(name, args)
        return state() === 'answered' ? response : send.apply(this, args)
      }
    Object.assign(response, {
      // `next dev` warns if the object that getServerSideProps was given is used later: it is another than `this`.
      writeHead: through(
        'writeHead',
        function (this: ServerResponse, ...args: Parameters<typeof writeHead>) {
          if (state() === 'passing') return writeHead.apply(this, args)
          adoptHead(this, args)
          addHeaders(this)
          return writeHead.call(this, this.statusCode)
        },
      ),
      flushHeaders: through('flushHeaders', flushHeaders),
      write: through('write', write),
      end: through('end', end),
    })
  }

  #keep(name: keyof Sending, args: readonly unknown[]): ServerResponse {
    const response = this.#response
    if (this.#hasEnded) return response
    if (name === 'end') this.#hasEnded = true
    if (name === 'writeHead') {
      adoptHead(response, args)
      this.#held.push(() => response.headersSent || this.#writeHead())
    } else {
      // As Node does it: middleware that has replaced writeHead is told.
      if (this.#held.length === 0) response.writeHead(response.statusCode)
      const send = this.#originals[name] as (...given: unknown[]) => unknown
      this.#held.push(() => send.apply(response, [...args]))
      const { statusCode, statusMessage } = response
      this.#head ??= { statusCode, statusMessage, headers: response.getHeaders() }
    }
    // Who awaits it, or `onError`, hears of a failure.
    this.release().catch(() => {})
    return response
  }

  async #saveAndSend(): Promise<void> {
    let instead: Response | null = null
    try {
      if (this.#options.isError?.(this.#response.statusCode)) this.#lazy.discard()
      const committed = await this.#lazy.end()
      this.#added = [this.#options.earlier, committed].filter((one) => one != null)
      if (committed?.failure) {
        instead = await answerInstead(this.#lazy, committed, headOf(this.#response))
      }
    } catch (error) {
      this.#options.onError?.(error)
      if (this.#held.length > 0) instead = new Response(null, { status: 500 })
      throw error
    } finally {
      this.#state = 'sending'
      if (instead) await this.#sendInstead(instead)
      else this.#sendHeld()
    }
  }

  #sendHeld(): void {
    if (this.#head) restore(this.#response, this.#head)
    for (const send of this.#held.splice(0)) send()
  }

  /** What the handler sends is dropped. */
  async #sendInstead(answer: Response): Promise<void> {
    const response = this.#response
    const body = new Uint8Array(await answer.arrayBuffer())
    this.#added = []
    changeHeaders(
      response,
      headOf(response).headers,
      joined(headersOf(this.#atFirst), answer.headers),
    )
    Object.assign(response, { statusCode: answer.status, statusMessage: '' })
    this.#originals.end.call(response, body, 'utf8')
    this.#state = 'answered'
  }

  #writeHead(): void {
    this.#addHeaders(this.#response)
    this.#originals.writeHead.call(this.#response, this.#response.statusCode)
  }

  #addHeaders(response: ServerResponse): void {
    if (this.#added.length === 0) return
    const head = headOf(response)
    const { headers } = this.#added.reduce((all, { applyTo }) => applyTo(all), head)
    changeHeaders(response, head.headers, headers)
    this.#added = []
  }
}

function restore(response: ServerResponse, { headers, ...status }: Head): void {
  Object.assign(response, status)
  const now = response.getHeaders()
  for (const name of Object.keys(now)) if (!(name in headers)) response.removeHeader(name)
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && String(now[name]) !== String(value)) response.setHeader(name, value)
  }
}

/** The response of `onFailure`; `null`: it lets that of the handler go, whose head is `head`. */
async function answerInstead(
  lazy: LazySession<object>,
  { applyTo }: Committed,
  head: Response,
): Promise<Response | null> {
  const [answer, own] = [await lazy.answer(head), applyTo(head)]
  const [one, other] = [answer, own].map(({ status, headers }) =>
    JSON.stringify([status, ...headers]),
  )
  return answer.body === null && one === other ? null : answer
}

/** What was set before the handler, and what the answer has. */
function joined(before: Headers, answer: Headers): Headers {
  const all = new Headers(before)
  for (const [name, value] of answer) {
    const isList = name === 'set-cookie' || name === 'vary'
    if (!isList) all.set(name, value)
    else if (!before.get(name)?.includes(value)) all.append(name, value)
  }
  return all
}
