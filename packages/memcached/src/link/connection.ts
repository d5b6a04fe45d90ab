import type { Socket } from 'node:net'
import { nextTick } from 'node:process'
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { StoreError, type StoreErrorCode } from '../errors.ts'
import type { Codec, Command, Reply } from './codec.ts'
import { Inbox } from './inbox.ts'
import type { LinkSettings } from './settings.ts'
import { Outbox } from './outbox.ts'
import { type Pending, Queue } from './queue.ts'
import { openSocket, readyEvent, socketFault } from './socket.ts'

/**
 * One connection to one node, with one life: it connects when it is made, and on any doubt (a
 * missed deadline, an answer to something else, a length that cannot be) it is destroyed, with
 * everything that waits on it, and never used again. Whoever holds it makes a new one.
 *
 * It knows no protocol. memjs's own connection (`memjs.Server`) is not its base class: what it adds
 * to a socket (one buffer over all reconnects, the idle timer taken for a deadline, handlers that
 * act on the next connection, `MEMCACHE_USERNAME` from the environment) is what has to go, and the
 * methods would stay callable. Of memjs there is its frame header, in `frame.ts`.
 */
export class Link<reply extends Reply> {
  readonly #settings: LinkSettings
  readonly #codec: Codec<reply>
  readonly #socket: Socket
  readonly #queue = new Queue<reply>()
  readonly #outbox = new Outbox()
  readonly #inbox = new Inbox()
  readonly #connectTimer: NodeJS.Timeout
  #greeting: Pending<reply> | undefined
  #open = false
  #answered = false
  #failure: StoreError | undefined
  #hungUp = false

  #opaque: number
  /** Bytes the socket has taken from us, but not yet written. */
  #writing = 0
  #flushing = false
  #timer: NodeJS.Timeout | undefined

  /**
   * `hello`: what has to be answered before anything else is sent (a login). `opaque`: the number
   * of the first command; random, so that nobody can have forged answers lie in wait (defect 1).
   */
  constructor(
    settings: LinkSettings,
    codec: Codec<reply>,
    hello?: Command<reply, unknown>,
    opaque: number = crypto.getRandomValues(new Uint32Array(1))[0]!,
  ) {
    this.#settings = settings
    this.#codec = codec
    this.#opaque = opaque
    this.#socket = openSocket(settings, (chunk) => this.#receive(chunk))
      .on('error', (error) => this.#broken(error))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended())
      .once(readyEvent(settings), () => this.#connected(hello))
    this.#connectTimer = setTimeout(() => {
      const message = `No connection to the node within ${settings.connectDeadline} ms`
      this.#fail(new StoreError('unavailable', message, { sent: false }))
    }, settings.connectDeadline).unref()
  }

  /** Whether it takes commands: it is connected, or about to be. */
  get alive(): boolean {
    return this.#failure === undefined
  }

  /** Whether it was the node that ended the connection, once it was open. */
  get hungUp(): boolean {
    return this.#hungUp
  }

  /**
   * Sends a command with all others of this turn of the event loop, in one write. Settles within
   * the deadline, whatever happens; a rejection is a `StoreError`.
   */
  submit<result>(command: Command<reply, result>): Promise<result> {
    const refusal = this.#refusal(command.size)
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#enqueue(command, resolve as (result: unknown) => void, reject)
    })
  }

  /** Ends the connection; what is in flight fails. */
  close(): void {
    this.#fail(new StoreError('unavailable', 'The connection was closed', { sent: true }))
  }

  #refusal(size: number): StoreError | undefined {
    const { maxInFlight, maxQueuedBytes } = this.#settings
    if (this.#failure !== undefined) return rejection(this.#failure, false)
    if (this.#queue.size >= maxInFlight) {
      const message = `${maxInFlight} commands are waiting for the node (maxInFlight)`
      return new StoreError('overloaded', message, { sent: false })
    }
    if (this.#writing + this.#outbox.end + size > maxQueuedBytes) {
      const message = `The node does not take more bytes for now (maxQueuedBytes ${maxQueuedBytes})`
      return new StoreError('overloaded', message, { sent: false })
    }
    return undefined
  }

  #enqueue(
    command: Command<reply, unknown>,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const opaque = this.#nextOpaque()
    const outbox = this.#outbox
    const start = outbox.end
    outbox.end = command.write(outbox.reserve(command.size), start, opaque)
    if (this.#settings.tls !== undefined) outbox.cut(start, command.tail)
    const length = outbox.end - start
    const deadline = performance.now() + this.#settings.deadline
    const next = undefined
    this.#queue.push({ command, opaque, length, deadline, resolve, reject, next })
    if (this.#queue.size === 1 && this.#open) this.#socket.ref()
    if (this.#timer === undefined) this.#arm()
    if (!this.#flushing && this.#open) this.#flushSoon()
  }

  /** Wraps at 2^32 without ever being negative, as memjs's counter is from 2^31 on (defect 6). */
  #nextOpaque(): number {
    const opaque = this.#opaque
    this.#opaque = (opaque + 1) >>> 0
    return opaque
  }

  #connected(hello: Command<reply, unknown> | undefined): void {
    if (this.#failure !== undefined) return
    if (hello === undefined) return this.#ready()
    const opaque = this.#nextOpaque()
    const out = Buffer.allocUnsafe(hello.size)
    const length = hello.write(out, 0, opaque)
    const resolve = () => this.#ready()
    const reject = (error: unknown) => this.#fail(error as StoreError)
    const deadline = Infinity // the connect deadline is in charge
    const next = undefined
    this.#greeting = { command: hello, opaque, length, deadline, resolve, reject, next }
    this.#socket.write(out.subarray(0, length))
  }

  #ready(): void {
    clearTimeout(this.#connectTimer)
    this.#greeting = undefined
    this.#open = true
    if (this.#queue.size === 0) this.#socket.unref()
    else this.#flush()
  }

  /**
   * After all that is ready now has run, so that the commands of many requests share one write.
   * While the node owes us nothing there is no load to collect: then at the end of this callback.
   */
  #flushSoon(): void {
    this.#flushing = true
    if (this.#queue.asked === undefined) nextTick(this.#flush)
    else setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushing = false
    if (!this.#open || this.#writing > 0 || this.#outbox.end === 0) return
    this.#writing = this.#outbox.end
    this.#queue.sent()
    this.#outbox.flush(this.#socket, () => {
      this.#writing = 0
      if (this.#failure === undefined && !this.#flushing) this.#flush()
    })
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    const bytes = this.#inbox.join(chunk)
    try {
      const rest = this.#settle(bytes)
      if (this.#failure === undefined) this.#inbox.keep(bytes, rest)
    } catch (error) {
      this.#fail(error instanceof StoreError ? error : unreadable(error))
    }
    if (this.#queue.size === 0 && this.#open) this.#socket.unref()
  }

  /** Settles every command whose answer is complete; says where the rest begins. */
  #settle(bytes: Buffer): number {
    let start = 0
    while (start < bytes.length && this.#failure === undefined) {
      const pending = this.#greeting ?? this.#queue.asked
      const reply = this.#codec.parse(bytes, start, pending?.command, this.#answered)
      if (reply === undefined) break
      if (pending === undefined) throw outOfStep('without a question')
      if (reply.opaque !== undefined && reply.opaque !== pending.opaque) {
        throw outOfStep('to another question')
      }
      start = reply.end
      this.#answer(pending, reply)
      this.#answered = true
    }
    return start
  }

  #answer(pending: Pending<reply>, reply: reply): void {
    let result: unknown
    let failure: StoreError | undefined
    try {
      result = pending.command.read(reply)
    } catch (error) {
      if (!(error instanceof StoreError) || final.has(error.code)) throw error
      failure = error
    }
    if (pending !== this.#greeting) this.#queue.shift()
    if (failure === undefined) pending.resolve(result)
    else pending.reject(failure)
  }

  /**
   * One timer for all: deadlines are equally long, so the head's is the next. Never keeps node up.
   */
  #arm(): void {
    const { deadline } = this.#queue.head!
    // After a stall it may be over already; node warns of a negative time.
    const left = Math.max(1, Math.ceil(deadline - performance.now()))
    this.#timer = setTimeout(this.#ring, left).unref()
  }

  readonly #ring = (): void => {
    const suspect = this.#queue.head
    if (suspect !== undefined && suspect.deadline <= performance.now()) {
      // If it was us who were busy, the answer lies in the socket: read it before judging the node.
      setImmediate(() => {
        if (this.#queue.head === suspect) this.#overdue()
        this.#rearm()
      })
    } else this.#rearm()
  }

  #rearm(): void {
    this.#timer = undefined
    if (this.#queue.head !== undefined) this.#arm()
  }

  #overdue(): void {
    const message = `No answer from the node within ${this.#settings.deadline} ms`
    if (this.#open) {
      // Whatever comes later belongs to a question that nobody remembers.
      return this.#fail(new StoreError('unavailable', message, { sent: true }))
    }
    const error = new StoreError('unavailable', message, { sent: false })
    const now = performance.now()
    for (let { head } = this.#queue; head && head.deadline <= now; head = this.#queue.head) {
      this.#outbox.drop(head.length)
      this.#queue.shift()
      head.reject(error)
    }
  }

  #broken(error: Error): void {
    this.#hungUp ||= this.#open && this.#failure === undefined
    this.#fail(socketFault(error, this.#answered))
  }

  #ended(): void {
    if (this.#failure !== undefined) return
    this.#hungUp = true
    const ended = new StoreError('unavailable', 'The node closed the connection', { sent: true })
    const { rest } = this.#inbox
    this.#fail((rest.length > 0 && this.#codec.judge(rest, this.#answered)) || ended)
  }

  /** The end: the socket is destroyed, and everything in flight fails now, in order. */
  #fail(error: StoreError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    clearTimeout(this.#connectTimer)
    clearTimeout(this.#timer)
    this.#socket.destroy()
    // Only what ends a connection before it has brought an answer can say that nothing was sent.
    const sent = rejection(error, error.sent || this.#answered)
    this.#queue.fail(sent, rejection(error, false))
    this.#outbox.clear()
    this.#inbox.clear()
  }
}

/** An answer like this is the last: the node hangs up on those it does not let in. */
const final: ReadonlySet<StoreErrorCode> = new Set(['protocol', 'auth'])

function rejection(error: StoreError, sent: boolean): StoreError {
  if (error.sent === sent) return error
  return new StoreError(error.code, error.message, { sent, cause: error.cause })
}

function outOfStep(what: string): StoreError {
  return new StoreError('protocol', `The node gave an answer ${what}`, { sent: true })
}

function unreadable(cause: unknown): StoreError {
  return new StoreError('protocol', 'The answer of the node cannot be read', { sent: true, cause })
}
