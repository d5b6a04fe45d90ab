import type { Socket } from 'node:net'
import { nextTick } from 'node:process'
import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { protocolError, StoreError } from '../errors.ts'
import type { StoreErrorCode } from '../errors.ts'
import type { Codec, Command, Reply } from './codec.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { Queue } from './queue.ts'
import type { Pending } from './queue.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { openSocket, readyEvent, socketError } from './socket.ts'

/**
 * One connection to one server, used once: it connects when it is created. On any doubt (a missed
 * deadline, an answer to another command, an impossible length) it is destroyed together with
 * everything that waits for it.
 *
 * It knows no protocol. It does not extend memjs's connection (`memjs.Server`), because everything
 * that class adds to a socket is a defect here: one buffer for all reconnects, an idle timer used
 * as a deadline, handlers that act on the next connection, `MEMCACHE_USERNAME` from the
 * environment.
 */
export class Connection<reply extends Reply> {
  readonly #settings: ConnectionSettings
  readonly #codec: Codec<reply>
  readonly #socket: Socket
  readonly #queue = new Queue<reply>()
  readonly #outbox = new Outbox()
  readonly #inbox = new Inbox()
  readonly #connectTimer: NodeJS.Timeout
  #login: Pending<reply> | undefined
  #open = false
  #answered = false
  #failure: StoreError | undefined
  #hungUp = false

  #opaque: number
  /** Bytes that the socket has accepted but not yet written. */
  #writing = 0
  #flushing = false
  #timer: NodeJS.Timeout | undefined

  /**
   * `login`: a command that must be answered before any other is sent. `opaque`: the number of the
   * first command, which is random so that a stored value cannot contain a forged answer (defect
   * 1).
   */
  constructor(
    settings: ConnectionSettings,
    codec: Codec<reply>,
    login?: Command<reply, unknown>,
    opaque: number = crypto.getRandomValues(new Uint32Array(1))[0]!,
  ) {
    this.#settings = settings
    this.#codec = codec
    this.#opaque = opaque
    this.#socket = openSocket(settings, (chunk) => this.#receive(chunk))
      .on('error', (error) => this.#broken(error))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended())
      .once(readyEvent(settings), () => this.#connected(login))
    this.#connectTimer = setTimeout(() => {
      const message = `No connection to the server within ${settings.connectDeadline} ms`
      this.#fail(new StoreError('unavailable', message, { sent: false }))
    }, settings.connectDeadline).unref()
  }

  /** Whether it is connected or connecting. */
  get alive(): boolean {
    return this.#failure === undefined
  }

  /** Whether the server closed the connection after it was open. */
  get hungUp(): boolean {
    return this.#hungUp
  }

  /**
   * Sends a command, in one write with all others of this turn of the event loop. It always settles
   * within the deadline. A rejection is a `StoreError`.
   */
  submit<result>(command: Command<reply, result>): Promise<result> {
    const refusal = this.#refusal(command.size)
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      this.#enqueue(command, resolve as (result: unknown) => void, reject)
    })
  }

  /** Ends the connection. Commands in flight fail. */
  close(): void {
    this.#fail(new StoreError('unavailable', 'The connection was closed', { sent: true }))
  }

  #refusal(size: number): StoreError | undefined {
    const { maxInFlight, maxQueuedBytes } = this.#settings
    if (this.#failure !== undefined) return rejection(this.#failure, false)
    if (this.#queue.size >= maxInFlight) {
      const message = `${maxInFlight} commands are waiting for the server (maxInFlight)`
      return new StoreError('overloaded', message, { sent: false })
    }
    if (this.#writing + this.#outbox.end + size > maxQueuedBytes) {
      const message = `Too many bytes are waiting for the server (maxQueuedBytes ${maxQueuedBytes})`
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
    this.#queue.push({ command, opaque, length, deadline, resolve, reject, next: undefined })
    if (this.#queue.size === 1 && this.#open) this.#socket.ref()
    if (this.#timer === undefined) this.#arm()
    if (!this.#flushing && this.#open) this.#flushSoon()
  }

  /** Wraps at 2^32 and is never negative, unlike memjs's counter from 2^31 on (defect 6). */
  #nextOpaque(): number {
    const opaque = this.#opaque
    this.#opaque = (opaque + 1) >>> 0
    return opaque
  }

  #connected(login: Command<reply, unknown> | undefined): void {
    if (this.#failure !== undefined) return
    if (login === undefined) return this.#ready()
    const opaque = this.#nextOpaque()
    const out = Buffer.allocUnsafe(login.size)
    const length = login.write(out, 0, opaque)
    const resolve = () => this.#ready()
    const reject = (error: unknown) => this.#fail(error as StoreError)
    const deadline = Infinity // the connect deadline applies
    this.#login = { command: login, opaque, length, deadline, resolve, reject, next: undefined }
    this.#socket.write(out.subarray(0, length))
  }

  #ready(): void {
    clearTimeout(this.#connectTimer)
    this.#login = undefined
    this.#open = true
    if (this.#queue.size === 0) this.#socket.unref()
    else this.#flush()
  }

  /**
   * Waits until everything that is ready has run, so that the commands of many requests share one
   * write. If no answer is awaited there is little load, so it waits only for the current callback.
   */
  #flushSoon(): void {
    this.#flushing = true
    if (this.#queue.awaited === undefined) nextTick(this.#flush)
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

  /** Settles every command whose answer is complete. Returns where the incomplete one begins. */
  #settle(bytes: Buffer): number {
    let start = 0
    while (start < bytes.length && this.#failure === undefined) {
      const pending = this.#login ?? this.#queue.awaited
      const reply = this.#codec.parse(bytes, start, pending?.command, this.#answered)
      if (reply === undefined) break
      if (pending === undefined) throw protocolError('to no command')
      if (reply.opaque !== undefined && reply.opaque !== pending.opaque) {
        throw protocolError('to another command')
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
    if (pending !== this.#login) this.#queue.shift()
    if (failure === undefined) pending.resolve(result)
    else pending.reject(failure)
  }

  /**
   * One timer for all commands: deadlines are equally long, so the head's comes first. It does not
   * keep the process running.
   */
  #arm(): void {
    const { deadline } = this.#queue.head!
    // After a stall it may have passed; Node.js warns about a negative time.
    const left = Math.max(1, Math.ceil(deadline - performance.now()))
    this.#timer = setTimeout(this.#onTimer, left).unref()
  }

  readonly #onTimer = (): void => {
    const suspect = this.#queue.head
    if (suspect !== undefined && suspect.deadline <= performance.now()) {
      // If this process was busy, the answer may already be in the socket: read it first.
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
    const message = `No answer from the server within ${this.#settings.deadline} ms`
    if (this.#open) {
      // A late answer could be taken for that of a later command.
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
    this.#fail(socketError(error, this.#answered))
  }

  #ended(): void {
    if (this.#failure !== undefined) return
    this.#hungUp = true
    const ended = new StoreError('unavailable', 'The server closed the connection', { sent: true })
    const { rest } = this.#inbox
    this.#fail((rest.length > 0 && this.#codec.errorAtEnd(rest, this.#answered)) || ended)
  }

  /** Destroys the socket and fails everything in flight, in order. */
  #fail(error: StoreError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    clearTimeout(this.#connectTimer)
    clearTimeout(this.#timer)
    this.#socket.destroy()
    // Before the first answer, an error may guarantee that the server has read nothing.
    const sent = rejection(error, error.sent || this.#answered)
    this.#queue.fail(sent, rejection(error, false))
    this.#outbox.clear()
    this.#inbox.clear()
  }
}

/** An answer with one of these codes ends the connection. */
const final: ReadonlySet<StoreErrorCode> = new Set(['protocol', 'auth'])

function rejection(error: StoreError, sent: boolean): StoreError {
  if (error.sent === sent) return error
  return new StoreError(error.code, error.message, { sent, cause: error.cause })
}

function unreadable(cause: unknown): StoreError {
  return new StoreError('protocol', 'The answer of the server cannot be read', {
    sent: true,
    cause,
  })
}
