import type { Corkable } from './send-together.ts'

/** What the store uses of a connection of `iovalkey` or `ioredis`. */
export interface IoConnection extends Corkable {
  readonly status: string
  readonly options: object
  readonly stream?:
    | (NonNullable<Corkable['stream']> & {
        readonly remoteAddress?: string
        readonly remotePort?: number
        destroy(): unknown
        unref(): unknown
      })
    | null
  connect(): Promise<unknown>
  disconnect(): void
  callBuffer(command: string, args: readonly unknown[]): Promise<unknown>
  sendCommand(command: object, stream?: unknown): unknown
  duplicate(options: object): IoConnection
  on(event: string, listener: (value: never) => void): unknown
}

/** What the store uses of a `Cluster` of `iovalkey` or `ioredis`. */
export interface IoCluster {
  readonly isCluster: true
  readonly status: string
  readonly options: object
  /** The servers of each slot as `host:port`, the primary first. */
  readonly slots: readonly (readonly string[])[]
  readonly connectionPool: {
    getInstanceByKey(key: string): IoConnection | undefined
    findOrCreate(node: { readonly host: string; readonly port: number }): unknown
  }
  connect(): Promise<unknown>
  disconnect(): void
  callBuffer(command: string, args: readonly unknown[]): Promise<unknown>
  duplicate(nodes: readonly object[], options: object): IoCluster
  refreshSlotsCache(done: () => void): void
  on(event: string, listener: (value: never) => void): unknown
}

/**
 * No command is queued, sent again or put into a pipeline of the client: the store waits until it is connected, and a write
 * whose answer was lost is settled by the core. It connects again when there is a command, and not by a timer.
 */
export const ownOptions = {
  lazyConnect: true,
  retryStrategy: null,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: true,
  enableAutoPipelining: false,
  reconnectOnError: null,
  commandTimeout: undefined,
  socketTimeout: undefined,
  stringNumbers: false,
  // Of ioredis: the same answers over RESP3 as over RESP2.
  replyMapping: 'legacy',
  keyPrefix: '',
  readOnly: false,
  monitor: false,
  // It says whether the server is a primary, and comes after a SELECT.
  enableReadyCheck: true,
} as const

/** Milliseconds after which the next of several servers is asked: within one attempt to connect. */
export function askNextAfter(connectDeadline: number): number {
  return Math.max(1, Math.ceil(connectDeadline / 4))
}
