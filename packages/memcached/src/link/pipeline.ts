import type { Socket } from 'node:net'
import { loopTime, protocolError, StoreError } from '@coatcheck/core/remote'
import type { StoreErrorCode } from '@coatcheck/core/remote'
import type { Codec, Command, Reply } from './command.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import { Queue } from './queue.ts'
import type { Pending } from './queue.ts'

type Resolve = (result: unknown) => void
type Reject = (error: unknown) => void

/**
 * The commands of one connection and their answers: numbers, encodes and matches them. It opens and
 * closes nothing. A method that throws has met a reason to end the connection.
 */
export class Pipeline<reply extends Reply> {
  readonly #settings: ConnectionSettings
  readonly #codec: Codec<reply>
  readonly #queue = new Queue<reply>()
  readonly #outbox = new Outbox()
  readonly #inbox = new Inbox()
  #login: Pending<reply> | undefined
  #opaque: number
  #answered = false
  #ended = false
  /** Bytes that the socket has accepted but not yet written. */
  #writing = 0

  /**
   * `opaque`: the number of the first command, which is random so that a stored value cannot
   * contain a forged answer (memjs defect 1).
   */
  constructor(
    settings: ConnectionSettings,
    codec: Codec<reply>,
    opaque: number = crypto.getRandomValues(new Uint32Array(1))[0]!,
  ) {
    this.#settings = settings
    this.#codec = codec
    this.#opaque = opaque
  }

  /** Commands without an answer; the login does not count. */
  get size(): number {
    return this.#queue.size
  }

  /** Whether the answer to a sent command is pending. */
  get isAwaiting(): boolean {
    return this.#queue.awaited !== undefined
  }

  /** Whether the server has sent a valid answer. */
  get answered(): boolean {
    return this.#answered
  }

  /** The deadline of the oldest command, on the `loopTime` clock. */
  get deadline(): number | undefined {
    return this.#queue.head?.deadline
  }

  /** Why a command of `size` bytes cannot be accepted; `undefined` if it can. */
  refusal(size: number): StoreError | undefined {
    const { maxInFlight, maxQueuedBytes } = this.#settings
    if (this.#queue.size >= maxInFlight) return tooMany(maxInFlight)
    if (this.#writing + this.#outbox.end + size > maxQueuedBytes) {
      const message = `Too many bytes are waiting for the server (maxQueuedBytes ${maxQueuedBytes})`
      return new StoreError('overloaded', message, { sent: false })
    }
    return undefined
  }

  push(command: Command<reply, unknown>, resolve: Resolve, reject: Reject): void {
    const opaque = this.#nextOpaque()
    const outbox = this.#outbox
    const start = outbox.end
    outbox.end = command.write(outbox.reserve(command.size), start, opaque)
    if (this.#settings.tls !== undefined) outbox.cut(start, command.tail)
    const length = outbox.end - start
    const deadline = loopTime() + this.#settings.deadline
    this.#queue.push({ command, opaque, length, deadline, resolve, reject, next: undefined })
  }

  /** Restarts the deadlines of all commands. */
  restart(): void {
    const deadline = loopTime() + this.#settings.deadline
    for (let { head } = this.#queue; head; head = head.next) head.deadline = deadline
  }

  /** Sends a command ahead of all others; its answer must come first. */
  logIn(socket: Socket, command: Command<reply, unknown>, resolve: Resolve, reject: Reject): void {
    const opaque = this.#nextOpaque()
    // Not from the Buffer pool, which the whole process can read.
    const out = Buffer.allocUnsafeSlow(command.size)
    const length = command.write(out, 0, opaque)
    const deadline = Infinity // the connect deadline applies
    this.#login = { command, opaque, length, deadline, resolve, reject, next: undefined }
    socket.write(out.subarray(0, length))
  }

  /** Writes the waiting commands, after the current write if there is one. */
  flush(socket: Socket): void {
    if (this.#writing > 0 || this.#outbox.end === 0) return
    this.#writing = this.#outbox.end
    this.#queue.sent()
    this.#outbox.flush(socket, () => {
      this.#writing = 0
      if (!this.#ended) this.flush(socket)
    })
  }

  /** Settles every command whose answer is complete. */
  receive(chunk: Buffer): void {
    const bytes = this.#inbox.join(chunk)
    const rest = this.#settle(bytes)
    if (!this.#ended) this.#inbox.keep(bytes, rest)
  }

  /** Fails the commands whose deadline has passed. Only for commands that have not been sent. */
  drop(error: StoreError): void {
    const now = loopTime()
    for (let { head } = this.#queue; head && head.deadline <= now; head = this.#queue.head) {
      this.#outbox.drop(head.length)
      this.#queue.shift()
      head.reject(error)
    }
  }

  /** Why the server closed the connection, if its last bytes say so. */
  errorAtEnd(): StoreError | undefined {
    const { rest } = this.#inbox
    return rest.length > 0 ? this.#codec.errorAtEnd(rest, this.#answered) : undefined
  }

  /** Fails all commands: with `sent` if they may have been sent, otherwise with `unsent`. */
  end(sent: StoreError, unsent: StoreError): void {
    this.#ended = true
    this.#queue.fail(sent, unsent)
    this.#outbox.clear()
    this.#inbox.clear()
  }

  /** Wraps at 2^32 and is never negative, unlike memjs's counter from 2^31 on (defect 6). */
  #nextOpaque(): number {
    const opaque = this.#opaque
    this.#opaque = (opaque + 1) >>> 0
    return opaque
  }

  /** Returns the start of the incomplete answer. */
  #settle(bytes: Buffer): number {
    let start = 0
    while (start < bytes.length && !this.#ended) {
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
    if (pending === this.#login) this.#login = undefined
    else this.#queue.shift()
    if (failure === undefined) pending.resolve(result)
    else pending.reject(failure)
  }
}

/** An answer with one of these codes ends the connection. */
const final: ReadonlySet<StoreErrorCode> = new Set(['protocol', 'auth'])

/** The error of a command when `maxInFlight` commands are already waiting. */
export function tooMany(maxInFlight: number): StoreError {
  const message = `${maxInFlight} commands are waiting for the server (maxInFlight)`
  return new StoreError('overloaded', message, { sent: false })
}
