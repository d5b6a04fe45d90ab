import { isOutage, StoreError, withDeadline } from '@coatcheck/core/remote'
import { classify, isDemoted, isMoved, isUnknownScript } from '../client/classify.ts'
import type { Driver, Node, Reply } from '../client/driver.ts'
import { Flights } from './flights.ts'
import type { Flight, FlightLimits } from './flights.ts'
import type { Command } from './servers.ts'

export interface LaneOptions extends FlightLimits {
  /** Milliseconds that a primary waits for its replicas. */
  readonly timeout: number
}

interface Waiting {
  readonly command: Command
  readonly replicas: number
  readonly flight: Flight
  /** Whether the server is taken to have the script. */
  readonly isKnown: boolean
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

/** How often a write follows its key to another primary. */
const maxMoves = 2

/**
 * Writes that count when replicas have them, on connections of their own: while a primary waits for its replicas, it answers
 * nothing else on the connection. One `WAIT` serves all writes that came while the last one was under way.
 */
export class Lane {
  readonly #driver: Driver
  readonly #options: LaneOptions
  readonly #flights: Flights
  readonly #deadline: number
  readonly #lines = new Map<Node, Waiting[]>()

  constructor(driver: Driver, options: LaneOptions) {
    this.#driver = driver
    this.#options = options
    // Behind a WAIT that is under way, and its own.
    this.#deadline = options.deadline + 2 * options.timeout
    this.#flights = new Flights({ ...options, deadline: this.#deadline })
  }

  /** Rejects with a `StoreError`, whose `answered` is true if the primary has carried the command out. */
  run(command: Command, replicas: number): Promise<Reply> {
    const { key, args } = command
    const size = args.reduce((sum, { length }) => sum + length, 0)
    const start = async (flight: Flight): Promise<Reply> => {
      try {
        return await this.#follow(command, replicas, flight)
      } catch (error) {
        const failure = classify(error, flight.isSent)
        if (isOutage(failure)) void this.#driver.refresh().catch(() => {})
        throw failure
      }
    }
    return this.#flights.submit(size, start, () => this.#driver.giveUp(this.#driver.nodeOf(key)))
  }

  close(): void {
    this.#flights.close()
    this.#driver.close()
  }

  async #follow(command: Command, replicas: number, flight: Flight): Promise<Reply> {
    const { key } = command
    for (let moves = 0; ; moves++) {
      await this.#driver.ready(key)
      try {
        return await this.#enqueue({ command, replicas, flight, isKnown: true })
      } catch (error) {
        if (moves === maxMoves || !mayFollow(error)) throw error
        if (isDemoted(error)) this.#driver.giveUp(this.#driver.nodeOf(key))
        await this.#driver.refresh()
      }
    }
  }

  #enqueue(waiting: Omit<Waiting, 'resolve' | 'reject'>): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const node = this.#driver.nodeOf(waiting.command.key)
      const entry = { ...waiting, resolve, reject }
      const line = this.#lines.get(node)
      if (line !== undefined) return void line.push(entry)
      this.#lines.set(node, [])
      void this.#drain(node, [entry])
    })
  }

  async #drain(node: Node, first: readonly Waiting[]): Promise<void> {
    for (let group = first; group.length > 0; group = this.#lines.get(node)!.splice(0)) {
      await this.#sendGroup(
        node,
        group.filter(({ flight }) => !flight.isOver),
      )
    }
    this.#lines.delete(node)
  }

  /** Sends the writes and the WAIT behind them at once. Never rejects. */
  async #sendGroup(node: Node, group: readonly Waiting[]): Promise<void> {
    if (group.length === 0) return
    const { timeout } = this.#options
    const replicas = Math.max(...group.map((waiting) => waiting.replicas))
    const replies = group.map((waiting) => this.#send(node, waiting))
    const waited = this.#driver.sendTo(node, ['wait', String(replicas), String(timeout)])
    const all = Promise.allSettled([waited, ...replies])
    // Their callers have been told by then. A connection that is stuck must not hold up those behind it.
    const settled = await withDeadline(this.#deadline, all, true).catch(() => null)
    if (settled === null) return this.#driver.giveUp(node)
    const [reached, ...results] = settled
    for (const [at, result] of results.entries()) {
      const waiting = group[at]!
      if (result.status === 'rejected') this.#failed(node, waiting, result.reason)
      else if (hasWritten(result.value)) settle(waiting, result.value, reached, timeout)
      else waiting.resolve(result.value)
    }
  }

  #send(node: Node, { command, flight, isKnown }: Waiting): Promise<Reply> {
    const { args, script } = command
    flight.isSent = true
    if (script === undefined) return this.#driver.sendTo(node, args)
    const head = isKnown ? ['evalsha', script.sha, '1'] : ['eval', script.text, '1']
    return this.#driver.sendTo(node, [...head, ...args])
  }

  #failed(node: Node, waiting: Waiting, error: unknown): void {
    if (!isUnknownScript(error) || !waiting.isKnown) return waiting.reject(error)
    // It has run nothing. EVAL lets the server keep the script as well.
    this.#lines.get(node)!.push({ ...waiting, isKnown: false })
  }
}

/** Whether nothing was carried out, because the key has another primary or the connection is gone. */
function mayFollow(error: unknown): boolean {
  return isMoved(error) || isDemoted(error) || (error instanceof StoreError && !error.sent)
}

/** A command that found no record, or another version, answers with 0 or -1. */
function hasWritten(reply: Reply): boolean {
  return typeof reply !== 'number' || reply > 0
}

function settle(
  { replicas, resolve, reject }: Waiting,
  reply: Reply,
  reached: PromiseSettledResult<Reply>,
  timeout: number,
): void {
  if (reached.status === 'rejected') return reject(reached.reason)
  if (Number(reached.value) >= replicas) return resolve(reply)
  const message = `The primary has carried it out, but ${String(reached.value)} of ${replicas} replicas confirmed it within ${timeout} ms`
  reject(new StoreError('unavailable', message, { sent: true, answered: true }))
}
