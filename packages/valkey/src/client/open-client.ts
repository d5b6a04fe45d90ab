import { refuseOption } from '../check-option.ts'
import type { Driver } from './driver.ts'
import { IoCluster } from './io-cluster.ts'
import { IoSingle } from './io-single.ts'
import type { IoCluster as ClusterClient, IoConnection } from './io-types.ts'
import { askNextAfter, ownOptions } from './io-types.ts'

/** The parts of a client of `iovalkey` or `ioredis` that the store uses. */
export interface ValkeyClient {
  readonly status: string
  readonly options: object
  duplicate(...args: never[]): unknown
  disconnect(): void
}

/** Opens the store's own connections, configured like those of a client. */
export function openClient(
  client: ValkeyClient | undefined,
  connectDeadline: number,
): () => Driver {
  if (!isClient(client)) {
    refuseOption('client', 'must be a client of iovalkey or ioredis; or give a url')
  }
  const own = ownFor(connectDeadline)
  if (!isCluster(client)) {
    const connection = client as unknown as IoConnection
    const { role } = connection.options as { role?: string }
    if (role === 'slave') refuseOption('client', 'must lead to the primary, and not to a replica')
    return () => new IoSingle(connection.duplicate(own), connectDeadline)
  }
  const { redisOptions = {} } = client.options as { redisOptions?: object }
  const options = { ...clusterFor(connectDeadline), redisOptions: { ...redisOptions, ...own } }
  return () => new IoCluster(() => client.duplicate([], options), connectDeadline)
}

/** Options of every connection. A frozen sentinel accepts connections, and must not delay the others. */
export function ownFor(connectDeadline: number): object {
  const sentinelCommandTimeout = askNextAfter(connectDeadline)
  return { ...ownOptions, connectTimeout: connectDeadline, sentinelCommandTimeout }
}

/** Options of a cluster. */
export function clusterFor(connectDeadline: number): object {
  return { ...clusterOptions, slotsRefreshTimeout: askNextAfter(connectDeadline) }
}

/**
 * The client does not resend failed commands. Reads go to primaries, because a replica may still have sessions that
 * have ended.
 */
const clusterOptions = {
  lazyConnect: true,
  scaleReads: 'master',
  // The check queries a random server, also one that is down, and then fails to connect.
  enableReadyCheck: false,
  // Detects replicas that are added later.
  slotsRefreshInterval: 30_000,
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
  retryDelayOnTryAgain: 20,
  maxRedirections: 4,
  clusterRetryStrategy: null,
  enableAutoPipelining: false,
  enableOfflineQueue: true,
  keyPrefix: '',
} as const

function isClient(client: unknown): client is ValkeyClient {
  const { callBuffer, duplicate } = (client ?? {}) as Partial<IoConnection>
  return typeof callBuffer === 'function' && typeof duplicate === 'function'
}

function isCluster(client: object): client is ClusterClient {
  return (client as Partial<ClusterClient>).isCluster === true
}
