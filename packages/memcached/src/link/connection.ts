import type { Socket } from 'node:net'
import { nextTick } from 'node:process'
import { setImmediate } from 'node:timers'
import { Alarm, loopTime, StoreError, withSent } from '@coatcheck/core/remote'
import type { Codec, Command, Line, Reply } from './command.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { Dial } from './dial.ts'
import { Pipeline } from './pipeline.ts'
import { resolve } from './resolve.ts'
import { socketError } from './socket.ts'

/**
 * How many times `connectDeadline` a connection waits for a thread to resolve the server's name.
 */
const mostDeadlinesForThread = 10

/**
 * A single-use connection to one server. It connects when it is created. On any doubt (a missed
 * deadline, an answer to another command, an impossible length) it is destroyed, and everything
 * that waits for it fails.
 *
 * It is independent of the protocol. It does not extend memjs's connection (`memjs.Server`),
 * because everything that class adds to a socket is a defect here: one buffer for all reconnects,
 * an idle timer used as a deadline, handlers that act on the next connection, `MEMCACHE_USERNAME`
 * from the environment.
 */
export class Connection<reply extends Reply> implements Line<reply> {
  readonly #settings: ConnectionSettings
  readonly #pipeline: Pipeline<reply>
  readonly #dial: Dial
  readonly #connecting: Alarm
  /** One alarm for all commands: set for the oldest one, and again each time it rings. */
  readonly #overdue: Alarm
  /** Resolves when deadlines begin, or on an earlier failure. */
  readonly started: Promise<void>
  readonly #resolveStarted: () => void
  /** Resolves when the server can receive the login or the first command, or on failure. */
  readonly opened: Promise<void>
  readonly #resolveOpened: () => void
  #isStarted = false
  /** Set once the connection is open and the login is done. */
  #socket: Socket | undefined
  #failure: StoreError | undefined
  #hungUp = false
  #flushing = false
  /** The time of the last answer, by `performance.now()`. */
  #idleSince = 0
  #followAt: number
  #isRetired = false

  /**
   * `login`: a command that must be answered before any other is sent. `opaque`: see `Pipeline`.
   */
  constructor(
    settings: ConnectionSettings,
    codec: Codec<reply>,
    login?: Command<reply, unknown>,
    opaque?: number,
  ) {
    this.#settings = settings
    this.#pipeline = new Pipeline(settings, codec, opaque)
    this.#overdue = new Alarm(() => this.#onOverdue())
    this.#connecting = new Alarm(() => this.#onConnectDeadline())
    this.#connecting.set(loopTime() + mostDeadlinesForThread * settings.connectDeadline)
    this.#followAt = performance.now() + settings.followAfter
    const started = Promise.withResolvers<void>()
    this.started = started.promise
    this.#resolveStarted = started.resolve
    const opened = Promise.withResolvers<void>()
    this.opened = opened.promise
    this.#resolveOpened = opened.resolve
    this.#dial = new Dial(settings, (chunk) => this.#receive(chunk), {
      onStart: () => this.#start(),
      onOpen: (socket) => this.#connected(socket, login),
      onFailure: (error) => this.#fail(error),
    })
  }

  /**
   * Whether it accepts commands: it is connected or connecting, and neither idle for too long nor
   * retired.
   */
  get alive(): boolean {
    if (this.#failure !== undefined || this.#isRetired) return false
    if (this.#pipeline.size > 0 || this.#socket === undefined) return true
    return performance.now() - this.#idleSince < this.#settings.maxIdle
  }

  /** Whether the server closed the connection after it was open. */
  get hungUp(): boolean {
    return this.#hungUp
  }

  /**
   * Sends a command, in one write with all others of this turn of the event loop. Always settles
   * within the deadline. A rejection is a `StoreError`.
   */
  submit<result>(command: Command<reply, result>): Promise<result> {
    const refusal = this.#failure && withSent(this.#failure, false)
    const error = refusal ?? this.#pipeline.refusal(command.size)
    if (error !== undefined) return Promise.reject(error)
    return new Promise((resolve, reject) => {
      this.#enqueue(command, resolve as (result: unknown) => void, reject)
    })
  }

  /** Accepts no more commands, and closes when those in flight have ended. */
  retire(): void {
    this.#isRetired = true
    if (this.#pipeline.size === 0) this.close()
  }

  /** Ends the connection. Commands in flight fail. */
  close(): void {
    this.#fail(new StoreError('unavailable', 'The connection was closed', { sent: true }))
  }

  #enqueue(
    command: Command<reply, unknown>,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
    const pipeline = this.#pipeline
    pipeline.push(command, resolve, reject)
    if (pipeline.size === 1) this.#socket?.ref()
    if (!this.#overdue.isSet && this.#isStarted) this.#overdue.set(pipeline.deadline!)
    if (!this.#flushing && this.#socket !== undefined) this.#flushSoon()
  }

  /** Starts the deadlines. */
  #start(): void {
    this.#isStarted = true
    this.#resolveStarted()
    if (this.#connecting.isSet) this.#connecting.set(loopTime() + this.#settings.connectDeadline)
    this.#pipeline.restart()
    const { deadline } = this.#pipeline
    if (deadline !== undefined) this.#overdue.set(deadline)
  }

  #connected(socket: Socket, login: Command<reply, unknown> | undefined): void {
    socket
      .on('error', (error) => this.#broken(error))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended())
    this.#resolveOpened()
    if (login === undefined) return this.#ready(socket)
    const fail = (error: unknown) => this.#fail(error as StoreError)
    this.#pipeline.logIn(socket, login, () => this.#ready(socket), fail)
  }

  #ready(socket: Socket): void {
    this.#connecting.clear()
    this.#socket = socket
    this.#idleSince = performance.now()
    if (this.#pipeline.size === 0) socket.unref()
    else this.#flush()
  }

  /**
   * Waits until everything that is ready has run, so that the commands of many requests share one
   * write. If no answer is pending there is little load, so it waits only for the current callback.
   */
  #flushSoon(): void {
    this.#flushing = true
    if (this.#pipeline.isAwaiting) setImmediate(this.#flush)
    else nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushing = false
    if (this.#socket !== undefined) this.#pipeline.flush(this.#socket)
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      this.#pipeline.receive(chunk)
    } catch (error) {
      this.#fail(error instanceof StoreError ? error : unreadable(error))
    }
    if (this.#pipeline.size === 0) this.#rest()
  }

  /** No more commands are in flight. */
  #rest(): void {
    if (this.#isRetired) return this.close()
    this.#idleSince = performance.now()
    this.#socket?.unref()
  }

  #onConnectDeadline(): void {
    const { connectDeadline } = this.#settings
    if (!this.#isStarted) {
      const message = `The name of the server waits for a thread of this process, which are all busy (UV_THREADPOOL_SIZE)`
      return this.#fail(new StoreError('overloaded', message, { sent: false }))
    }
    const message = `No connection to the server${this.#at} within ${connectDeadline} ms`
    this.#fail(new StoreError('unavailable', message, { sent: false }))
  }

  #onOverdue(): void {
    const { deadline } = this.#pipeline
    if (deadline !== undefined && deadline <= loopTime()) {
      const isOpen = this.#socket !== undefined
      const message = `No answer from the server${this.#at} within ${this.#settings.deadline} ms`
      const error = new StoreError('unavailable', message, { sent: isOpen })
      // A late answer could be mistaken for that of a later command.
      if (isOpen) return this.#fail(error)
      this.#pipeline.drop(error)
    }
    if (performance.now() > this.#followAt) this.#follow()
    const next = this.#pipeline.deadline
    if (next !== undefined) this.#overdue.set(next)
  }

  /** Retires the connection if the server's name no longer resolves to its address. */
  #follow(): void {
    const { endpoint, lookup, followAfter } = this.#settings
    const { address } = this.#dial
    this.#followAt = performance.now() + followAfter
    if (this.#socket === undefined || 'path' in endpoint || endpoint.host === address) return
    resolve(
      endpoint.host,
      lookup,
      () => {},
      (error, addresses) => {
        if (error !== null || addresses.includes(address!)) return
        this.retire()
      },
    )
  }

  /** The IP address, if the name does not show it. */
  get #at(): string {
    const { endpoint } = this.#settings
    const { address } = this.#dial
    if (address === undefined || 'path' in endpoint || endpoint.host === address) return ''
    return ` (${address})`
  }

  #broken(error: Error): void {
    this.#hungUp ||= this.#failure === undefined
    this.#fail(socketError(error, this.#pipeline.answered))
  }

  #ended(): void {
    if (this.#failure !== undefined) return
    this.#hungUp = true
    const ended = new StoreError('unavailable', 'The server closed the connection', { sent: true })
    this.#fail(this.#pipeline.errorAtEnd() ?? ended)
  }

  /** Destroys the socket and fails everything in flight, in order. */
  #fail(error: StoreError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#resolveStarted()
    this.#resolveOpened()
    this.#connecting.clear()
    this.#overdue.clear()
    this.#dial.cancel()
    // An error before the first answer may guarantee that the server has read nothing.
    const sent = withSent(error, error.sent || this.#pipeline.answered)
    this.#pipeline.end(sent, withSent(error, false))
  }
}

function unreadable(cause: unknown): StoreError {
  return new StoreError('protocol', 'The answer of the server cannot be read', {
    sent: true,
    cause,
  })
}
