import type { Corkable } from './send-together.ts'

/** The parts of a connection of `iovalkey` or `ioredis` that the store uses. */
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

/** The parts of a `Cluster` of `iovalkey` or `ioredis` that the store uses. */
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
 * The client must not queue, resend or auto-pipeline commands: the store itself waits for the connection, and the core
 * resolves writes whose reply was lost. Reconnects on the next command, not by a timer.
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
  // For ioredis: the same replies over RESP3 as over RESP2.
  replyMapping: 'legacy',
  keyPrefix: '',
  readOnly: false,
  monitor: false,
  // It detects whether the server is a primary, and runs after SELECT.
  enableReadyCheck: true,
} as const

/** Milliseconds after which the next of several servers is tried, within one connection attempt. */
export function askNextAfter(connectDeadline: number): number {
  return Math.max(1, Math.ceil(connectDeadline / 4))
}
