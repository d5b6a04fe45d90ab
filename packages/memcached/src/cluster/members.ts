import { clearIdleTimeout, setIdleTimeout } from '@coatcheck/core/remote'
import type { IdleTimer } from '@coatcheck/core/remote'
import { refuseOption } from '../check-option.ts'
import type { Client } from '../protocol/client.ts'
import type { ServerAddress } from './address.ts'
import { createCluster } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import type { Ranking } from './hashed-server.ts'

/** How long the connection to a server that has left stays open for requests in progress, in milliseconds. */
const farewell = 60_000

/**
 * Milliseconds after a change of the list until records move to their new servers. A process with the former list would
 * not find them there, so this is the time for a deployment.
 */
const restAfterChange = 600_000

/** The same if the time of the switch is known. Allows for clock skew. */
const restAfterSwitch = 60_000

/** The client of one server. */
export interface ServerClient extends Client {
  /** Returns a client with its own connection. Without it, all requests share one. */
  readonly lease?: () => Client
}

/** All servers, with connections of their own. */
export interface Lease {
  readonly cluster: Cluster
  readonly close: () => void
}

export interface MembersOptions {
  readonly connect: (address: ServerAddress) => ServerClient
  readonly rankingOf: (addresses: readonly ServerAddress[]) => Ranking
  readonly asksSecond: boolean
  /** When all processes have the list; `null` if unknown. */
  readonly switchAt: number | null
  readonly now: () => number
}

/**
 * The servers of a store, which can change while it runs. A server keeps its index forever, because record versions
 * contain it.
 */
export class Members {
  readonly #options: MembersOptions
  readonly #clients: ServerClient[] = []
  #addresses: readonly ServerAddress[] = []
  /** For each of `addresses`, its index in `clients`. */
  #indexes: readonly number[] = []
  #cluster: Cluster | undefined
  #rank: Ranking = () => [0, -1]
  #movesAt = 0
  readonly #leaving = new Map<Client, IdleTimer>()

  constructor(options: MembersOptions) {
    this.#options = options
  }

  /** `undefined` until there are servers. */
  get cluster(): Cluster | undefined {
    return this.#cluster
  }

  /** The current servers. */
  get servers(): readonly { readonly address: ServerAddress; readonly client: Client }[] {
    return this.#addresses.map((address, at) => ({
      address,
      client: this.#clients[this.#indexes[at]!]!,
    }))
  }

  /**
   * Replaces the servers. Those with the same name keep their connection.
   *
   * @throws {SessionError} `invalid-option` if more than one server is new or has another weight, or if one is and the
   * second rank is not queried, because sessions would be lost. The first list may have any length.
   */
  replace(addresses: readonly ServerAddress[]): void {
    const known = new Map(this.#addresses.map(({ name }, at) => [name, this.#indexes[at]!]))
    const isKnown = ({ name, weight }: ServerAddress): boolean =>
      this.#addresses.some((each) => each.name === name && each.weight === weight)
    const changed = addresses.filter((address) => !isKnown(address)).map(({ name }) => name)
    if (known.size > 0 && changed.length > 0) this.#checkChange(changed)
    const isSame = changed.length === 0 && addresses.length === known.size
    const ranking = this.#options.rankingOf(addresses)
    const indexes = addresses.map((address) => known.get(address.name) ?? this.#join(address))
    for (const [name, index] of known) {
      if (!addresses.some((address) => address.name === name)) this.#part(this.#clients[index]!)
    }
    this.#addresses = addresses
    this.#indexes = indexes
    const isInOrder = indexes.every((index, at) => index === at)
    this.#rank = isInOrder ? ranking : translated(ranking, indexes)
    if (!isSame) this.#movesAt = this.#restUntil(known.size === 0)
    this.#cluster = this.#clusterOf(this.#clients)
  }

  /** The same servers under the same indexes, for one request. */
  lease(): Lease {
    const clients = this.#clients.map((client) => client.lease?.() ?? client)
    return {
      cluster: this.#clusterOf(clients),
      close: () => clients.forEach((client) => client.close()),
    }
  }

  close(): void {
    for (const timer of this.#leaving.values()) clearIdleTimeout(timer)
    for (const client of this.#clients) client.close()
  }

  #restUntil(isFirstList: boolean): number {
    const { switchAt, now } = this.#options
    if (switchAt === null) return now() + restAfterChange
    return Math.max(switchAt, isFirstList ? 0 : now()) + restAfterSwitch
  }

  #clusterOf(servers: readonly Client[]): Cluster {
    const { asksSecond, now } = this.#options
    const moves = () => now() >= this.#movesAt
    return createCluster({ servers, rank: this.#rank, asksSecond, moves })
  }

  #checkChange(changed: readonly string[]): void {
    const names = changed.join(', ')
    if (!this.#options.asksSecond) {
      refuseOption('servers:', `set asksSecond before you add or weigh ${names}`)
    }
    if (changed.length > 1) {
      refuseOption('servers:', `add or weigh one server at a time, and not ${names} together`)
    }
  }

  #join(address: ServerAddress): number {
    return this.#clients.push(this.#options.connect(address)) - 1
  }

  #part(client: Client): void {
    const leave = () => {
      this.#leaving.delete(client)
      client.close()
    }
    this.#leaving.set(client, setIdleTimeout(leave, farewell))
  }
}

function translated(ranking: Ranking, indexes: readonly number[]): Ranking {
  return (key) => {
    const [first, second] = ranking(key)
    return [indexes[first]!, second < 0 ? -1 : indexes[second]!]
  }
}
