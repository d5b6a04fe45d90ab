import type { Driver } from '../client/driver.ts'
import type { Servers } from './servers.ts'

/** Milliseconds until a server without replicas is queried again. */
const askAgainAfter = 30_000

/**
 * The number of replicas that must confirm a write. Without the option `confirm` it is one if there are replicas:
 * clusters and sentinels report that themselves, a single server is queried. A server that once had a replica is
 * assumed to keep it, because it may have been cut off.
 */
export class Replicas {
  readonly #driver: Driver
  readonly #servers: Servers
  readonly #wanted: number | null
  #isKnown = false
  #askedAt = -Infinity
  #asking: Promise<number> | undefined

  /** `wanted`: the value of the option; `null` if not set. */
  constructor(driver: Driver, servers: Servers, wanted: number | null) {
    this.#driver = driver
    this.#servers = servers
    this.#wanted = wanted
  }

  /** Rejects if the server does not answer. */
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

  /** The map of a cluster is known once a command has been answered. */
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
