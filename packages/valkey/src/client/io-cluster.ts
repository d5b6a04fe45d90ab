import { StoreError } from '@coatcheck/core/remote'
import { Connecting } from './connecting.ts'
import type { Argument, Driver, Node, Redirect, Reply } from './driver.ts'
import type { IoCluster as Client, IoConnection } from './io-types.ts'
import { sendTogether } from './send-together.ts'
import { slotOf } from './slot.ts'

/**
 * A connection of a cluster. The client itself calls `asking` before it sends a command to the target of a moving slot.
 */
interface AskedConnection extends IoConnection {
  asking(): Promise<unknown>
}

/** A cluster, using a `Cluster` of `iovalkey` or `ioredis`. */
export class IoCluster implements Driver {
  readonly #open: () => Client
  readonly #connectDeadline: number
  #client: Client
  #connecting: Connecting
  #isClosed = false

  /** `open` creates a client that is not connected yet. */
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

  sendAlong({ node, isAsking }: Redirect, args: readonly Argument[]): Promise<Reply> {
    const colon = node.lastIndexOf(':')
    const address = { host: node.slice(0, colon), port: Number(node.slice(colon + 1)) }
    this.#client.connectionPool.findOrCreate(address)
    // The command's own reply reports a failure of either.
    if (isAsking) this.sendTo(node, ['asking']).catch(() => {})
    return this.sendTo(node, args)
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
      // A client that lost all its nodes while connecting never becomes ready again.
      client.disconnect()
      if (!this.#isClosed) [this.#client, this.#connecting] = this.#begin()
    })
    client.on('error', () => {})
    client.on('node error', connecting.onError)
    client.on('+node', (node: AskedConnection) => {
      node.on('connect', () => node.stream?.unref())
      // The client does not await the reply to its own ASKING, so a lost one would be an unhandled rejection.
      const asking = node.asking.bind(node)
      node.asking = () => asking().catch(() => {})
      const send = node.sendCommand.bind(node)
      node.sendCommand = (command, stream) => {
        sendTogether(node)
        return send(command, stream)
      }
    })
    return [client, connecting]
  }

  #serversOf(key: string): readonly string[] {
    return this.#client.slots[slotOf(key)] ?? []
  }
}
