import { isOutage, loopTime, StoreError, withDeadline } from '@coatcheck/core/remote'
import {
  classify,
  isDemoted,
  isMoved,
  isUnknownScript,
  redirectOf,
  sentAround,
} from '../client/classify.ts'
import type { Argument, Driver, Node, Redirect, Reply } from '../client/driver.ts'
import { Flights } from './flights.ts'
import type { Flight, FlightLimits } from './flights.ts'
import type { Command } from './servers.ts'

export interface LaneOptions extends FlightLimits {
  /** Milliseconds that a primary waits for its replicas. */
  readonly timeout: number
  /** Prefix of every key. */
  readonly prefix: string
}

interface Waiting {
  readonly command: Command
  readonly replicas: number
  readonly flight: Flight
  /** The target of a redirection; `null`: the slot's primary, as far as known. */
  readonly redirect: Redirect | null
  /** Whether the server is assumed to have the script. */
  readonly isKnown: boolean
  /**
   * Whether a mark is written after the command, because WAIT confirms nothing for a command that writes nothing
   * itself.
   */
  readonly isMarked: boolean
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

/** The primary has answered, but it is unknown whether its replicas have the write or it is still the primary. */
export class NotConfirmedError extends StoreError {
  constructor(message: string) {
    super('unavailable', message, { sent: true, answered: true })
  }
}

/** The maximum number of times that a write follows its key to another primary. */
const maxMoves = 4

/**
 * Writes that must be confirmed by replicas, on separate connections: while a primary waits for its replicas, it
 * answers nothing else on the same connection. One `WAIT` confirms all writes that arrived during the previous one.
 */
export class Lane {
  readonly #open: () => Driver
  #driver: Driver
  readonly #options: LaneOptions
  readonly #flights: Flights
  readonly #deadline: number
  #lines = new Map<Node, Waiting[]>()
  /** Since when a primary has not confirmed anything, on the `loopTime` clock. */
  readonly #silentSince = new Map<Node, number>()

  /** `open` creates the lane's own connections. */
  constructor(open: () => Driver, options: LaneOptions) {
    this.#open = open
    this.#driver = open()
    this.#options = options
    // Allows for a WAIT in progress and for its own.
    this.#deadline = options.deadline + 2 * options.timeout
    this.#flights = new Flights({ ...options, deadline: this.#deadline })
  }

  /** Rejects with a `StoreError`, whose `answered` is true if the primary has executed the command. */
  run(command: Command, replicas: number): Promise<Reply> {
    const { key, args } = command
    const size = args.reduce((sum, { length }) => sum + length, 0)
    const start = async (flight: Flight): Promise<Reply> => {
      try {
        return await this.#follow(command, replicas, flight)
      } catch (error) {
        const isSentAround = isMoved(error) && this.#driver.primaries().length > 1
        const failure = isSentAround ? sentAround() : classify(error, flight.isSent)
        if (isOutage(failure) || failure instanceof NotConfirmedError) {
          void this.#driver.refresh().catch(() => {})
        }
        throw failure
      }
    }
    return this.#flights.submit(size, start, () => this.#onOverdue(this.#driver.nodeOf(key)))
  }

  close(): void {
    this.#flights.close()
    this.#driver.close()
  }

  async #follow(command: Command, replicas: number, flight: Flight): Promise<Reply> {
    const { key } = command
    let redirect: Redirect | null = null
    for (let moves = 0; ; moves++) {
      try {
        await this.#driver.ready(key)
        const state = { isKnown: true, isMarked: command.isRead }
        return await this.#enqueue({ command, replicas, flight, redirect, ...state })
      } catch (error) {
        if (moves === maxMoves) throw error
        redirect = redirectOf(error)
        if (redirect === null && !mayFollow(error)) throw error
        if (redirect?.isAsking === true) {
          if (command.settles === true) throw error
          continue
        }
        if (isDemoted(error)) this.#driver.giveUp(this.#driver.nodeOf(key))
        // A server that is queried now may not know yet what the redirecting server knows.
        const learned = this.#driver.refresh().catch(() => {})
        if (redirect === null) await learned
      }
    }
  }

  #enqueue(waiting: Omit<Waiting, 'resolve' | 'reject'>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const node = waiting.redirect?.node ?? this.#driver.nodeOf(waiting.command.key)
      const line = this.#lines.get(node) ?? []
      line.push({ ...waiting, resolve, reject })
      if (this.#lines.has(node)) return
      this.#lines.set(node, line)
      void this.#drain(node, line, this.#lines)
    })
  }

  async #drain(node: Node, line: Waiting[], lines: Map<Node, Waiting[]>): Promise<void> {
    while (line.length > 0) {
      const group = line.splice(0).filter(({ flight }) => !flight.isOver)
      if (group.length > 0) line.push(...(await this.#sendGroup(node, group)))
    }
    lines.delete(node)
  }

  /**
   * Sends the commands and the following WAIT together. Resolves with the commands that must be sent again; never
   * rejects.
   */
  async #sendGroup(node: Node, group: readonly Waiting[]): Promise<readonly Waiting[]> {
    const { timeout } = this.#options
    const replicas = Math.max(...group.map((waiting) => waiting.replicas))
    const replies = group.map((waiting) => this.#send(node, waiting))
    const marks = group.map((waiting) => (waiting.isMarked ? this.#mark(node, waiting) : null))
    const waited = this.#driver.sendTo(node, ['wait', String(replicas), String(timeout)])
    const all = Promise.allSettled([waited, ...replies, ...marks])
    // The callers have failed by then. A stuck connection must not block the commands behind it.
    const settled = await withDeadline(this.#deadline, all, true).catch(() => null)
    if (settled === null) return []
    const [reached, ...results] = settled
    const again: Waiting[] = []
    if (reached.status === 'fulfilled') this.#silentSince.delete(node)
    for (const [at, waiting] of group.entries()) {
      const result = results[at]!
      const mark = results[group.length + at]!
      if (result.status === 'rejected') {
        // Nothing was executed. EVAL also makes the server keep the script.
        const isUnknown = waiting.isKnown && isUnknownScript(result.reason)
        if (isUnknown) again.push({ ...waiting, isKnown: false })
        else waiting.reject(result.reason)
      } else if (isPlain(waiting.command, result.value)) {
        settle(waiting, result.value, [reached], timeout)
      } else if (waiting.isMarked) {
        settle(waiting, result.value, [reached, mark], timeout)
      } else again.push({ ...waiting, isMarked: true })
    }
    return again
  }

  #mark(node: Node, { command, redirect }: Waiting): Promise<Reply> {
    const key = `${this.#options.prefix}sync:{${command.key}}`
    return this.#sendTo(node, redirect, ['set', key, '', 'px', '1000'])
  }

  #send(node: Node, { command, flight, redirect, isKnown }: Waiting): Promise<Reply> {
    const { args, script } = command
    flight.isSent = true
    const head =
      script === undefined
        ? []
        : isKnown
          ? ['evalsha', script.sha, '1']
          : ['eval', script.text, '1']
    return this.#sendTo(node, redirect, [...head, ...args])
  }

  #sendTo(node: Node, redirect: Redirect | null, words: readonly Argument[]): Promise<Reply> {
    return redirect === null
      ? this.#driver.sendTo(node, words)
      : this.#driver.sendAlong(redirect, words)
  }

  /** Closes a connection that does not answer; if that does not help, replaces all connections. */
  #onOverdue(node: Node): void {
    const now = loopTime()
    const since = this.#silentSince.get(node) ?? now
    this.#silentSince.set(node, since)
    if (now - since < this.#deadline) {
      this.#driver.giveUp(node)
      void this.#driver.refresh().catch(() => {})
      return
    }
    this.#driver.close()
    this.#driver = this.#open()
    this.#lines = new Map()
    this.#silentSince.clear()
  }
}

/** Whether nothing was executed, because the server is no longer a primary or the connection is gone. */
function mayFollow(error: unknown): boolean {
  return isDemoted(error) || (error instanceof StoreError && !error.sent)
}

/** Whether a reply shows that the command itself changed something. */
function isWritten({ isRead }: Command, reply: Reply): boolean {
  return !isRead && (typeof reply === 'number' ? reply > 0 : reply !== null)
}

/**
 * Whether WAIT alone confirms the reply: something was written, or it is a conflict with another write, which ends
 * nothing.
 */
function isPlain(command: Command, reply: Reply): boolean {
  const isConflict = command.script !== undefined && reply === 0 && command.settles !== true
  return isConflict || isWritten(command, reply)
}

/**
 * Even a reply that there is no record, or another version, does not count from a primary whose replicas follow another
 * one.
 */
function settle(
  { command, replicas, resolve, reject }: Waiting,
  reply: Reply,
  confirmations: readonly [PromiseSettledResult<Reply>, PromiseSettledResult<Reply>?],
  timeout: number,
): void {
  const done = `The primary ${isWritten(command, reply) ? 'has carried it out' : 'has answered'}, but`
  const failed = confirmations.find((each) => each?.status === 'rejected')
  if (failed?.status === 'rejected') {
    const { message } = classify(failed.reason, true)
    return reject(new NotConfirmedError(`${done} the confirmation by replicas failed: ${message}`))
  }
  const reached = (confirmations[0] as PromiseFulfilledResult<Reply>).value
  if (Number(reached) >= replicas) return resolve(reply)
  const missing = `${String(reached)} of ${replicas} replicas confirmed it within ${timeout} ms`
  reject(new NotConfirmedError(`${done} ${missing}`))
}
