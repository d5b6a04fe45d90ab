import {
  createBreaker,
  createNaming,
  isOutage,
  runGuarded,
  StoreError,
} from '@coatcheck/core/remote'
import type { Breaker } from '@coatcheck/core/remote'
import { classify, isDemoted, isMoved, isUnknownScript } from '../client/classify.ts'
import type { Argument, Driver, Node, Reply } from '../client/driver.ts'
import { Flights } from './flights.ts'
import type { Flight, FlightLimits } from './flights.ts'
import type { Script } from './script.ts'

export interface ServersOptions extends FlightLimits {
  /** Consecutive failures that open the breaker of a server. */
  readonly failures: number
  /** Milliseconds between probes while it is open. */
  readonly pause: number
}

/** A command for one key. */
export interface Command {
  readonly key: string
  readonly args: readonly Argument[]
  /** Runs instead of a plain command; `args` are its arguments. */
  readonly script?: Script
  /** Whether it may be sent again if its reply was lost. */
  readonly isRead: boolean
  /** Whether its reply settles an earlier write, which only the slot's primary can do. */
  readonly settles?: true
}

/** A server lacks a script, has become a replica, and the new primary lacks the script. */
const mostRefusals = 3

/** Runs commands with deadlines, and a breaker for each primary. */
export class Servers {
  readonly #driver: Driver
  readonly #options: ServersOptions
  readonly #flights: Flights
  readonly #breakers = new Map<Node, Breaker>()
  #isLearning = false
  #isClosed = false

  constructor(driver: Driver, options: ServersOptions) {
    this.#driver = driver
    this.#options = options
    this.#flights = new Flights(options)
  }

  /** Every rejection is a `StoreError`. */
  run(command: Command): Promise<Reply> {
    return this.guard(command, () => this.#once(command))
  }

  /** Runs a send function behind the breaker of its primary, with a second try if that is safe. */
  guard<result>(
    { key, isRead }: Pick<Command, 'key' | 'isRead'>,
    send: () => Promise<result>,
  ): Promise<result> {
    if (this.#isClosed) {
      return Promise.reject(new StoreError('unavailable', 'The store was closed', { sent: false }))
    }
    const breaker = this.#breakerOf(this.#driver.nodeOf(key))
    return runGuarded(breaker, this.#options.deadline, send, isRead)
  }

  /** Runs one command on the shared connection to a primary, with its own deadline. */
  runOn(node: Node, args: readonly Argument[]): Promise<Reply> {
    const start = async (flight: Flight): Promise<Reply> => {
      await this.#driver.ready('')
      flight.isSent = true
      return this.#driver.sendTo(node, args)
    }
    return this.#flights
      .submit(0, start, () => this.#driver.giveUp(node))
      .catch((error: unknown) => {
        throw createNaming(node)(classify(error, true))
      })
  }

  close(): void {
    this.#isClosed = true
    for (const breaker of this.#breakers.values()) breaker.close()
    this.#flights.close()
    this.#driver.close()
  }

  #once(command: Command): Promise<Reply> {
    const { key, args } = command
    const size = args.reduce((sum, { length }) => sum + length, 0)
    return this.#flights.submit(
      size,
      (flight) =>
        this.#send(flight, key, wordsOf(command, true)).catch((error: unknown) =>
          this.#again(error, flight, command),
        ),
      () => {
        this.#driver.giveUp(this.#driver.nodeOf(key))
        this.learn()
      },
    )
  }

  /** Waits for the connection, and sends nothing if the caller has given up by then. */
  #send(flight: Flight, key: string, args: readonly Argument[]): Promise<Reply> {
    const connecting = this.#driver.ready(key)
    if (connecting === null) {
      flight.isSent = true
      return this.#driver.send(args)
    }
    return connecting.then(() => {
      if (flight.isOver) throw new StoreError('unavailable', 'Given up', { sent: false })
      flight.isSent = true
      return this.#driver.send(args)
    })
  }

  /**
   * Resends a command that was not executed: with the text of its script, which the server then keeps, or to the new
   * primary if the server has become a replica. The new primary may lack the script too.
   */
  async #again(first: unknown, flight: Flight, command: Command): Promise<Reply> {
    const { key } = command
    let error = first
    for (let tries = 0; tries < mostRefusals && !flight.isOver; tries++) {
      const lacksScript = isUnknownScript(error)
      if (!lacksScript && !isDemoted(error)) break
      try {
        if (!lacksScript) {
          this.#driver.giveUp(this.#driver.nodeOf(key))
          await this.#driver.refresh()
        }
        return await this.#send(flight, key, wordsOf(command, !lacksScript))
      } catch (next) {
        error = next
      }
    }
    throw this.#failed(error, flight)
  }

  #failed(error: unknown, flight: Flight): StoreError {
    const failure = classify(error, flight.isSent)
    if (isOutage(failure) || isMoved(error) || isDemoted(error)) this.learn()
    return failure
  }

  /** Reloads which servers are primaries, once for all concurrent callers. */
  learn(): void {
    if (this.#isClosed || this.#isLearning) return
    this.#isLearning = true
    void this.#driver
      .refresh()
      .catch(() => {})
      .finally(() => {
        this.#isLearning = false
      })
  }

  #breakerOf(node: Node): Breaker {
    const known = this.#breakers.get(node)
    if (known !== undefined) return known
    const { failures, pause } = this.#options
    const probe = () => this.#probe(node)
    const nameError = node === '' ? (error: unknown) => error : createNaming(node)
    const breaker = createBreaker({ failures, pause, probe, nameError })
    this.#breakers.set(node, breaker)
    return breaker
  }

  /** A node that is no longer a primary is not probed, because its keys have another one. */
  async #probe(node: Node): Promise<void> {
    await this.#driver.refresh()
    const isPrimary = this.#driver.primaries().includes(node)
    if (isPrimary) await this.runOn(node, ['ping'])
    else if (node !== '') this.#breakers.delete(node)
  }
}

/** `isKnown`: whether the server is assumed to have the script. */
function wordsOf({ args, script }: Command, isKnown: boolean): readonly Argument[] {
  if (script === undefined) return args
  return isKnown ? ['evalsha', script.sha, '1', ...args] : ['eval', script.text, '1', ...args]
}
