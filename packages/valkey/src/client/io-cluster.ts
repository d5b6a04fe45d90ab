import { StoreError } from '@coatcheck/core/remote'
import { Connecting } from './connecting.ts'
import type { Argument, Driver, Node, Reply } from './driver.ts'
import type { IoCluster as Client } from './io-types.ts'
import { slotOf } from './slot.ts'

/** A cluster, over a `Cluster` of `iovalkey` or `ioredis`. */
export class IoCluster implements Driver {
  readonly #open: () => Client
  readonly #connectDeadline: number
  #client: Client
  #connecting: Connecting
  #isClosed = false

  /** `open` makes a client that is not connected yet. */
  constructor(open: () => Client, connectDeadline: number) {
    this.#open = open
    this.#connectDeadline = connectDeadline
    ;[this.#client, this.#connecting] = this.#begin()
  }

  nodeOf(key: string): Node {
    return this.#serversOf(key)[0] ?? ''
  }

  ready(): Promise<void> | null {
    if (!this.#isClosed) return this.#connecting.ready()
    return Promise.reject(new StoreError('unavailable', 'The store was closed', { sent: false }))
  }

  send([command, ...args]: readonly Argument[]): Promise<Reply> {
    return this.#client.callBuffer(command as string, args) as Promise<Reply>
  }

  sendTo(node: Node, [command, ...args]: readonly Argument[]): Promise<Reply> {
    const server = this.#client.connectionPool.getInstanceByKey(node)
    if (server !== undefined) return server.callBuffer(command as string, args) as Promise<Reply>
    const message = 'The connection to the server was lost'
    return Promise.reject(new StoreError('unavailable', message, { sent: false }))
  }

  giveUp(node: Node): void {
    const server = this.#client.connectionPool.getInstanceByKey(node)
    if (server?.stream) server.stream.destroy()
    else server?.disconnect()
  }

  async refresh(): Promise<void> {
    await this.ready()
    await new Promise<void>((resolve) => this.#client.refreshSlotsCache(() => resolve()))
  }

  primaries(): readonly Node[] {
    return [...new Set(this.#client.slots.flatMap(([primary]) => primary ?? []))]
  }

  hasReplicas(key: string): boolean {
    return this.#serversOf(key).length > 1
  }

  close(): void {
    this.#isClosed = true
    this.#client.disconnect()
  }

  #begin(): [Client, Connecting] {
    const client = this.#open()
    const connecting = new Connecting(client, this.#connectDeadline, () => {
      // One that has lost all its nodes while it connects is never ready again.
      client.disconnect()
      if (!this.#isClosed) [this.#client, this.#connecting] = this.#begin()
    })
    client.on('error', () => {})
    client.on('node error', connecting.onError)
    client.on('+node', (node: { on(event: string, listener: () => void): void }) => {
      node.on('connect', () => (node as { stream?: { unref(): void } }).stream?.unref())
    })
    return [client, connecting]
  }

  #serversOf(key: string): readonly string[] {
    return this.#client.slots[slotOf(key)] ?? []
  }
}
