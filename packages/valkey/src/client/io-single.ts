import { StoreError } from '@coatcheck/core/remote'
import { Valkey } from 'iovalkey'
import { Connecting } from './connecting.ts'
import type { Argument, Driver, Node, Redirect, Reply } from './driver.ts'
import type { IoConnection } from './io-types.ts'
import { sendTogether } from './send-together.ts'
import { WholeCommand } from './whole-command.ts'

/** One server, or the primary named by sentinels, using a connection of `iovalkey` or `ioredis`. */
export class IoSingle implements Driver {
  readonly #client: IoConnection
  readonly #node: Node
  readonly #hasReplicas: boolean | null
  readonly #connecting: Connecting
  readonly #connectDeadline: number
  #isClosed = false
  #asking: Promise<void> | undefined
  /** Set until an abandoned connection has ended, because the client would still accept commands for it. */
  #ending: Promise<void> | undefined
  #onEnd: () => void = () => {}

  constructor(client: IoConnection, connectDeadline: number) {
    this.#client = client
    this.#connectDeadline = connectDeadline
    this.#node = nameOf(client.options)
    this.#hasReplicas = 'sentinels' in client.options && client.options.sentinels ? true : null
    this.#connecting = new Connecting(client, connectDeadline, () => this.giveUp())
    client.on('error', this.#connecting.onError)
    client.on('end', () => {
      this.#ending = undefined
      this.#onEnd()
    })
    client.on('connect', () => client.stream?.unref())
  }

  nodeOf(): Node {
    return this.#node
  }

  ready(): Promise<void> | null {
    if (this.#isClosed) return Promise.reject(closed())
    if (this.#ending === undefined) return this.#connecting.ready()
    return this.#ending.then(() => this.#connecting.ready() ?? undefined)
  }

  send(args: readonly Argument[]): Promise<Reply> {
    sendTogether(this.#client)
    if (this.#client instanceof Valkey) {
      return this.#client.sendCommand(new WholeCommand(args)) as Promise<Reply>
    }
    const [command, ...rest] = args
    return this.#client.callBuffer(command as string, rest) as Promise<Reply>
  }

  sendTo(_node: Node, args: readonly Argument[]): Promise<Reply> {
    return this.send(args)
  }

  sendAlong(_redirect: Redirect, args: readonly Argument[]): Promise<Reply> {
    return this.send(args)
  }

  giveUp(): void {
    const { status, stream } = this.#client
    if (status === 'wait' || status === 'end' || this.#ending !== undefined) return
    this.#ending = new Promise((resolve) => {
      this.#onEnd = resolve
    })
    // Without a stream, it is still querying the sentinels.
    if (stream) stream.destroy()
    else this.#client.disconnect()
  }

  /** Leaves a server that the sentinels no longer name as primary: it may not know that it was replaced. */
  refresh(): Promise<void> {
    return (this.#asking ??= this.#askSentinels().finally(() => {
      this.#asking = undefined
    }))
  }

  primaries(): readonly Node[] {
    return [this.#node]
  }

  hasReplicas(): boolean | null {
    return this.#hasReplicas
  }

  close(): void {
    this.#isClosed = true
    this.#client.disconnect()
  }

  async #askSentinels(): Promise<void> {
    const used = addressOf(this.#client)
    if (this.#hasReplicas !== true || this.#isClosed || used === null) return
    const other = this.#client.duplicate({})
    const connecting = new Connecting(other, this.#connectDeadline, () => other.disconnect())
    other.on('error', connecting.onError)
    other.on('connect', () => other.stream?.unref())
    try {
      await connecting.ready()
      const named = addressOf(other)
      if (named !== null && named !== used && addressOf(this.#client) === used) this.giveUp()
    } catch {
      // No sentinel answers: keeps the server.
    } finally {
      other.disconnect()
    }
  }
}

/** The remote address of a connection; `null` if it is not ready. */
function addressOf({ status, stream }: IoConnection): string | null {
  const { remoteAddress, remotePort } = stream ?? {}
  return status === 'ready' && remotePort ? `${remoteAddress}:${remotePort}` : null
}

function closed(): StoreError {
  return new StoreError('unavailable', 'The store was closed', { sent: false })
}

function nameOf(options: object): Node {
  const { sentinels, name, path, host, port } = options as Record<string, unknown>
  if (sentinels) return `sentinels of ${String(name)}`
  return typeof path === 'string' && path !== '' ? path : `${String(host)}:${String(port)}`
}
