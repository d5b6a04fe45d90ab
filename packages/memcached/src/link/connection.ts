import type { Socket } from 'node:net'
import { nextTick } from 'node:process'
import { setImmediate } from 'node:timers'
import { StoreError } from '../errors.ts'
import { Alarm } from './alarm.ts'
import type { Codec, Command, Reply } from './codec.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { loopTime } from './loop-clock.ts'
import { Pipeline } from './pipeline.ts'
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
  readonly #socket: Socket
  readonly #pipeline: Pipeline<reply>
  readonly #connecting: Alarm
  /** One for all commands: it is set for the first of them, and again when it has rung. */
  readonly #overdue: Alarm
  #open = false
  #failure: StoreError | undefined
  #hungUp = false
  #flushing = false

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
    this.#connecting.set(loopTime() + settings.connectDeadline)
    this.#socket = openSocket(settings, (chunk) => this.#receive(chunk))
      .on('error', (error) => this.#broken(error))
      .on('end', () => this.#ended())
      .on('close', () => this.#ended())
      .once(readyEvent(settings), () => this.#connected(login))
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
    const refusal = this.#failure && rejection(this.#failure, false)
    const error = refusal ?? this.#pipeline.refusal(command.size)
    if (error !== undefined) return Promise.reject(error)
    return new Promise((resolve, reject) => {
      this.#enqueue(command, resolve as (result: unknown) => void, reject)
    })
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
    if (pipeline.size === 1 && this.#open) this.#socket.ref()
    if (!this.#overdue.isSet) this.#overdue.set(pipeline.deadline!)
    if (!this.#flushing && this.#open) this.#flushSoon()
  }

  #connected(login: Command<reply, unknown> | undefined): void {
    if (this.#failure !== undefined) return
    if (login === undefined) return this.#ready()
    const fail = (error: unknown) => this.#fail(error as StoreError)
    this.#pipeline.logIn(this.#socket, login, () => this.#ready(), fail)
  }

  #ready(): void {
    this.#connecting.clear()
    this.#open = true
    if (this.#pipeline.size === 0) this.#socket.unref()
    else this.#flush()
  }

  /**
   * Waits until everything that is ready has run, so that the commands of many requests share one
   * write. If no answer is awaited there is little load, so it waits only for the current callback.
   */
  #flushSoon(): void {
    this.#flushing = true
    if (this.#pipeline.isAwaiting) setImmediate(this.#flush)
    else nextTick(this.#flush)
  }

  readonly #flush = (): void => {
    this.#flushing = false
    if (this.#open) this.#pipeline.flush(this.#socket)
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      this.#pipeline.receive(chunk)
    } catch (error) {
      this.#fail(error instanceof StoreError ? error : unreadable(error))
    }
    if (this.#pipeline.size === 0 && this.#open) this.#socket.unref()
  }

  #onConnectDeadline(): void {
    const message = `No connection to the server within ${this.#settings.connectDeadline} ms`
    this.#fail(new StoreError('unavailable', message, { sent: false }))
  }

  #onOverdue(): void {
    const { deadline } = this.#pipeline
    if (deadline !== undefined && deadline <= loopTime()) {
      const message = `No answer from the server within ${this.#settings.deadline} ms`
      const error = new StoreError('unavailable', message, { sent: this.#open })
      // A late answer could be taken for that of a later command.
      if (this.#open) return this.#fail(error)
      this.#pipeline.drop(error)
    }
    const next = this.#pipeline.deadline
    if (next !== undefined) this.#overdue.set(next)
  }

  #broken(error: Error): void {
    this.#hungUp ||= this.#open && this.#failure === undefined
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
    this.#connecting.clear()
    this.#overdue.clear()
    this.#socket.destroy()
    // Before the first answer, an error may guarantee that the server has read nothing.
    const sent = rejection(error, error.sent || this.#pipeline.answered)
    this.#pipeline.end(sent, rejection(error, false))
  }
}

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
