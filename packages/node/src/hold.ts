import type { Committed, LazySession } from '@coatcheck/core'
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { finished } from 'node:stream'
import type { Answer } from './answer.ts'
import { answerInstead, failed, headersOfAnswer } from './answer.ts'
import { listenForBypass } from './bypass.ts'
import { checkBody, checkHead, checkSecondHead } from './check.ts'
import { Claims } from './claims.ts'
import { listenForDrain } from './drain.ts'
import { adoptHead, changeHeaders, headersNow, headOf } from './head.ts'
import { tell } from './report.ts'

export interface HoldOptions {
  /** The commit of an earlier handler of the same request, whose headers are added again. */
  readonly earlier?: Committed | null
  /** Whether a response with this status is an error, after which the changes are dropped. Default: none is. */
  readonly isError?: (status: number) => boolean
  /** Called if the session cannot be saved or the response cannot be sent. The response is then a 500. */
  readonly onError?: (error: unknown) => void
}

type Sending = Pick<ServerResponse, 'writeHead' | 'flushHeaders' | 'write' | 'end'>

interface Held {
  readonly args: readonly unknown[]
  readonly send: () => unknown
}

type State = 'passing' | 'holding' | 'sending' | 'answered'

/**
 * Holds back the calls that send the response, from `begin` until the session is saved. Our headers are added when the
 * head is sent, after all code that could set others. Other middleware may replace the same methods before or
 * afterwards. They are replaced before `begin`, because in `response.end(await …)` the method is looked up before its
 * argument is awaited.
 */
export class Hold {
  readonly #lazy: LazySession<object>
  readonly #response: ServerResponse
  readonly #options: HoldOptions
  readonly #originals: Sending
  readonly #atFirst: OutgoingHttpHeaders
  readonly #claims: Claims
  readonly #held: Held[] = []
  #state: State = 'passing'
  #added: readonly Committed[] = []
  /** The status when the first byte was sent: later changes have no effect, as without a session. */
  #status: Pick<ServerResponse, 'statusCode' | 'statusMessage'> | null = null
  #hasEnded = false
  #released: Promise<void> | null = null

  constructor(lazy: LazySession<object>, response: ServerResponse, options: HoldOptions = {}) {
    this.#lazy = lazy
    this.#response = response
    this.#options = options
    this.#claims = new Claims(response)
    const { writeHead, flushHeaders, write, end } = response
    this.#originals = { writeHead, flushHeaders, write, end }
    this.#atFirst = headersNow(response)
    this.#replace()
  }

  /** Starts holding, so that the session may change. False if the head has been sent. */
  begin(): boolean {
    if (this.#state === 'passing' && !this.#response.headersSent) this.#state = 'holding'
    return this.#state === 'holding'
  }

  /**
   * Saves, and sends what is held. Rejects if the session cannot be saved or the response cannot be sent; the held
   * response then becomes a 500.
   */
  release(): Promise<void> {
    return (this.#released ??= this.#saveAndSend())
  }

  /**
   * After a handler's error: drops the changes and answers 500. A partial response is cut off, a complete one is kept.
   */
  fail(): void {
    const response = this.#response
    this.#lazy.discard()
    if (response.writableEnded) return
    if (response.headersSent) return void response.destroy()
    this.#replaceHead(failed)
    response.end()
  }

  #replace(): void {
    const response = this.#response
    const { writeHead, flushHeaders, write, end } = this.#originals
    const state = (): State => this.#state
    const keep = (name: keyof Sending, args: readonly unknown[]): unknown => {
      this.#keep(name, args)
      return name === 'write' ? false : response
    }
    const drop = (args: readonly unknown[]): unknown => this.#drop(args)
    const addHeaders = (to: ServerResponse): void => this.#addHeaders(to)
    const through = (name: keyof Sending, send: (...args: never[]) => unknown) =>
      function (this: ServerResponse, ...args: never[]): unknown {
        if (state() === 'holding') return keep(name, args)
        return state() === 'answered' ? drop(args) : send.apply(this, args)
      }
    const replaced = {
      // Uses `this`, because `next dev` warns if the object given to getServerSideProps is used later.
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
    }
    Object.assign(response, replaced)
    // The same function of Node, under another name.
    if ('writeHeader' in response) response.writeHeader = replaced.writeHead
    const isHeld = (): boolean => state() === 'holding'
    listenForDrain(response, isHeld)
    listenForBypass(response, isHeld, () => this.#giveWay())
  }

  #keep(name: keyof Sending, args: readonly unknown[]): void {
    const response = this.#response
    const isBody = name === 'write' || name === 'end'
    // Not passed on to Node: by then, the error of a write after the end would have no listener.
    if (this.#hasEnded) return void this.#drop(args)
    const isImplicit = name !== 'writeHead' && this.#held.length === 0
    if (isImplicit) checkHead(response, response.statusCode, response.statusMessage)
    if (name === 'writeHead') {
      if (this.#status) checkSecondHead(response, args)
      checkHead(response, args[0], typeof args[1] === 'string' ? args[1] : '')
      adoptHead(response, args)
      this.#held.push({ args, send: () => response.headersSent || this.#writeHead() })
    } else {
      if (isBody) checkBody(response, name, args)
      if (isImplicit) this.#tellHead(name === 'end')
      const send = this.#originals[name] as (...given: unknown[]) => unknown
      this.#held.push({ args, send: () => send.apply(response, [...args]) })
      const { statusCode, statusMessage } = response
      this.#status ??= { statusCode, statusMessage }
    }
    this.#claim(name)
    // Failures are reported to those who await the release, or to `onError`.
    this.release().catch(() => {})
  }

  #claim(name: keyof Sending): void {
    this.#claims.claimHead()
    if (this.#status) this.#claims.claimHeaders()
    if (this.#hasEnded) return
    if (name === 'write') this.#claims.claimNeedDrain()
    if (name !== 'end') return
    this.#hasEnded = true
    this.#claims.claimEnd()
  }

  /**
   * Calls writeHead as Node does, so that middleware that replaced it is notified. Not held before `end`: Node then
   * knows the length.
   */
  #tellHead(isEnd: boolean): void {
    this.#hasEnded = isEnd
    try {
      this.#response.writeHead(this.#response.statusCode)
    } finally {
      this.#hasEnded = false
    }
  }

  async #saveAndSend(): Promise<void> {
    let instead: Answer | null = null
    try {
      instead = await this.#save()
    } catch (error) {
      if (this.#held.length > 0) instead = failed
      tell(this.#options.onError, error)
      // Ends the request. Otherwise later changes would be accepted, and lost.
      this.#lazy.discard()
      await this.#lazy.end().catch(() => {})
      throw error
    } finally {
      if (this.#state !== 'answered') {
        this.#state = 'sending'
        this.#claims.drop()
        this.#send(instead)
      }
    }
  }

  /** Returns the response that replaces the handler's, if any. */
  async #save(): Promise<Answer | null> {
    const { isError, earlier } = this.#options
    if (isError?.(this.#response.statusCode)) this.#lazy.discard()
    const committed = await this.#lazy.end()
    this.#added = [earlier, committed].filter((one) => one != null)
    if (!committed?.failure) return null
    return answerInstead(this.#lazy, committed, headOf(this.#response))
  }

  /** If the response cannot be sent, sends a 500 instead, and rethrows the error. */
  #send(instead: Answer | null): void {
    const response = this.#response
    try {
      if (instead?.body) this.#sendInstead(instead, instead.body)
      else this.#sendHeld(instead)
    } catch (error) {
      tell(this.#options.onError, error)
      if (instead === failed || response.headersSent) response.destroy()
      else this.#send(failed)
      throw error
    }
    // Every held write has returned false.
    if (!response.writableNeedDrain) response.emit('drain')
  }

  /** `changed`: the head to send instead. */
  #sendHeld(changed: Answer | null): void {
    const response = this.#response
    Object.assign(response, this.#status)
    if (changed) this.#changeHead(changed)
    for (const { args, send } of this.#held.splice(0)) {
      // Node calls no one back whose visitor goes just then.
      if (response.destroyed || response.socket?.destroyed) this.#drop(args)
      else send()
    }
  }

  #changeHead({ status, headers }: Answer): void {
    const response = this.#response
    const head = headOf(response)
    changeHeaders(response, head.headers, headers)
    if (status !== head.status) Object.assign(response, { statusCode: status, statusMessage: '' })
    // The answer already has this commit's headers.
    this.#added = [this.#options.earlier].filter((one) => one != null)
  }

  /** Sends another response, and drops the handler's. */
  #sendInstead(instead: Answer, body: Uint8Array): void {
    this.#added = []
    this.#dropHeld()
    this.#replaceHead(instead)
    this.#originals.end.call(this.#response, body, 'utf8')
    this.#state = 'answered'
  }

  #replaceHead({ status, headers }: Answer): void {
    const response = this.#response
    Object.assign(response, { statusCode: status, statusMessage: '' })
    changeHeaders(response, headOf(response).headers, headersOfAnswer(this.#atFirst, headers))
  }

  /**
   * Lets earlier middleware answer, which does not wait for the session, and drops the handler's answer. If the handler
   * has begun its answer, the connection is cut, because the two would be mixed.
   */
  #giveWay(): void {
    const response = this.#response
    this.#lazy.discard()
    this.#state = 'answered'
    this.#claims.drop()
    const { statusCode } = response
    // Node has just asked for the head of that answer, which is held.
    const isMixed = this.#held.some(({ args }) => args.length > 1 || args[0] !== statusCode)
    this.#dropHeld()
    this.release().catch(() => {})
    if (isMixed) response.destroy()
    else if (!response.headersSent) this.#originals.writeHead.call(response, statusCode)
  }

  #dropHeld(): void {
    for (const { args } of this.#held.splice(0)) this.#drop(args)
  }

  /** Callbacks of writes that were dropped are called when the other response is finished. */
  #drop(args: readonly unknown[]): ServerResponse {
    const response = this.#response
    const callback = args.find((arg) => typeof arg === 'function') as
      ((error?: Error | null) => void) | undefined
    if (callback) finished(response, callback)
    return response
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
