import type { Driver } from '../client/driver.ts'
import type { Servers } from './servers.ts'

/** Milliseconds until a server without replicas is asked again. */
const askAgainAfter = 30_000

/**
 * How many replicas must confirm a write. Without the option `confirm` it is one, where there are replicas: a cluster and
 * sentinels say so themselves, and a server is asked. A server that has had one is taken to have one for good: it may be cut off.
 */
export class Replicas {
  readonly #driver: Driver
  readonly #servers: Servers
  readonly #wanted: number | null
  #isKnown = false
  #askedAt = -Infinity
  #asking: Promise<number> | undefined

  /** `wanted`: what the option says; `null`, it says nothing. */
  constructor(driver: Driver, servers: Servers, wanted: number | null) {
    this.#driver = driver
    this.#servers = servers
    this.#wanted = wanted
  }

  /** Rejects if the server does not tell. */
  count(key: string): number | Promise<number> {
    if (this.#wanted !== null) return this.#wanted
    if (this.#driver.nodeOf(key) === '') return this.#learn(key)
    const known = this.#driver.hasReplicas(key)
    if (known !== null) return known ? 1 : 0
    if (this.#isKnown) return 1
    if (performance.now() - this.#askedAt < askAgainAfter) return 0
    return (this.#asking ??= this.#ask(key).finally(() => {
      this.#asking = undefined
    }))
  }

  /** The map of a cluster is known when a command has been answered. */
  async #learn(key: string): Promise<number> {
    await this.#servers.run({ key, args: ['getex', key], isRead: true })
    return this.#driver.hasReplicas(key) === true ? 1 : 0
  }

  async #ask(key: string): Promise<number> {
    const args = ['info', 'replication']
    const text = String(await this.#servers.run({ key, args, isRead: true }))
    this.#askedAt = performance.now()
    this.#isKnown = Number(/^connected_slaves:(\d+)/m.exec(text)?.[1] ?? 0) > 0
    return this.#isKnown ? 1 : 0
  }
}
