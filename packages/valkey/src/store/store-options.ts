import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { failuresToOpen, isolatesRequests, pauseBetweenProbes } from '@coatcheck/core/remote'
import { refuseOption, refuseUnknown } from '../check-option.ts'
import { openClient } from '../client/open-client.ts'
import type { ValkeyClient } from '../client/open-client.ts'
import type { Driver } from '../client/driver.ts'
import { openUrl } from '../client/open-url.ts'
import type { ServersOptions } from '../server/servers.ts'

export interface ConfirmOptions {
  /** The number of replicas that must confirm a write. Default: 1. */
  readonly replicas?: number
  /** Milliseconds that a primary waits for them; less than `deadline`. Default: half of `deadline`. */
  readonly timeout?: number
}

/** `client` or `url`, and not both. */
export interface ValkeyStoreOptions {
  /**
   * A client of `iovalkey` or `ioredis`: a connection, also through sentinels, or a `Cluster`. The store uses its
   * servers, login and TLS, but opens its own connections. So blocking commands, subscriptions and queued commands of
   * the client do not delay sessions, and the client's `keyPrefix` does not apply.
   */
  readonly client?: ValkeyClient
  /**
   * `valkey://user:password@host:6379/0` or `redis:`; with TLS, `valkeys:` or `rediss:`. With `sentinel` or `cluster`,
   * a list of the first servers to ask.
   */
  readonly url?: string | readonly string[]
  /** The name of the primary, if the urls are those of sentinels. Default: no sentinels. */
  readonly sentinel?: string
  /** Whether the urls are servers of a cluster. Default: false. */
  readonly cluster?: boolean
  /** With `url`: the login, if the url has none. */
  readonly username?: string
  readonly password?: string
  /** With `url`: `true`, or options of `node:tls`. Default: TLS if the scheme of the url says so. */
  readonly tls?: true | TlsOptions
  /** Prefix of every key: printable ASCII without spaces and braces. Default: `coatcheck:`. */
  readonly prefix?: string
  /** Milliseconds until a command fails, connecting included. Default: 250. */
  readonly deadline?: number
  /** Milliseconds until a connection attempt fails. Default: 1000. */
  readonly connectDeadline?: number
  /** The largest record in bytes. Default: 1,000,000. */
  readonly maxBytes?: number
  /** Commands that may be in progress; one more fails with `overloaded`. Default: 10,000. */
  readonly maxInFlight?: number
  /** Bytes of commands in progress; more fail with `overloaded`. Default: 16 MiB. */
  readonly maxQueuedBytes?: number
  /**
   * How many replicas must confirm a sign-out, a revocation or the end of an old token. Otherwise these are
   * unconfirmed. `false`: only the primary confirms, so a failover can undo them. Default: one replica, if there are
   * replicas.
   */
  readonly confirm?: ConfirmOptions | false
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/** The checked options, with defaults. */
export interface Settings extends ServersOptions {
  readonly prefix: string
  readonly maxBytes: number
  /** The number of replicas that must confirm; `null`: one, if there are any. */
  readonly replicas: number | null
  /** Milliseconds that a primary waits for its replicas. */
  readonly timeout: number
  readonly now: () => number
  /** Opens separate connections; nothing is sent before the first command. */
  readonly open: () => Driver
}

const known = [
  'client',
  'url',
  'sentinel',
  'cluster',
  'username',
  'password',
  'tls',
  'prefix',
  'deadline',
  'connectDeadline',
  'maxBytes',
  'maxInFlight',
  'maxQueuedBytes',
  'confirm',
  'now',
]

/** @throws {SessionError} `invalid-option`, naming the option that is wrong. */
export function readOptions(options: ValkeyStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) refuseOption('options', 'must be an object')
  refuseUnknown('', options, known)
  if (isolatesRequests()) {
    refuseOption(
      'options',
      'cannot be used on Cloudflare Workers: a connection ends with its request',
    )
  }
  const { maxBytes = 1_000_000, now = () => Date.now() } = options
  const deadline = readPositive('deadline', options.deadline ?? 250)
  const connectDeadline = readPositive('connectDeadline', options.connectDeadline ?? 1000)
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 2 ** 29 - 64) {
    refuseOption('maxBytes', 'must be a whole number from 1 to 2^29 - 64')
  }
  if (typeof now !== 'function') {
    refuseOption('now', 'must be a function that returns milliseconds')
  }
  return {
    deadline,
    maxBytes,
    now,
    prefix: readPrefix(options.prefix ?? 'coatcheck:'),
    maxInFlight: readPositive('maxInFlight', options.maxInFlight ?? 10_000),
    maxQueuedBytes: readPositive('maxQueuedBytes', options.maxQueuedBytes ?? 16 * 1024 * 1024),
    failures: failuresToOpen,
    pause: pauseBetweenProbes,
    ...readConfirm(options.confirm, deadline),
    open: readServers(options, connectDeadline),
  }
}

function readServers(options: ValkeyStoreOptions, connectDeadline: number): () => Driver {
  const { client, url, sentinel, cluster, username, password, tls } = options
  if ((client === undefined) === (url === undefined)) {
    refuseOption('options', 'must have either client or url')
  }
  if (url !== undefined) return openUrl({ ...options, url }, connectDeadline)
  for (const [name, value] of Object.entries({ sentinel, cluster, username, password, tls })) {
    if (value !== undefined) refuseOption(name, 'is for url: the client has its own')
  }
  return openClient(client, connectDeadline)
}

function readConfirm(
  confirm: ValkeyStoreOptions['confirm'],
  deadline: number,
): Pick<Settings, 'replicas' | 'timeout'> {
  const standard = Math.max(1, Math.floor(deadline / 2))
  if (confirm === undefined) return { replicas: null, timeout: standard }
  if (confirm === false) return { replicas: 0, timeout: standard }
  if (typeof confirm !== 'object' || confirm === null) {
    refuseOption('confirm', 'must be false or an object with replicas and timeout')
  }
  refuseUnknown('confirm.', confirm, ['replicas', 'timeout'])
  const { replicas = 1, timeout = standard } = confirm
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > 100) {
    refuseOption('confirm.replicas', 'must be a whole number from 1 to 100')
  }
  // WAIT treats 0 as no timeout.
  if (!Number.isInteger(timeout) || timeout < 1 || timeout >= deadline) {
    refuseOption('confirm.timeout', 'must be a whole number of milliseconds below deadline')
  }
  return { replicas, timeout }
}

function readPrefix(prefix: string): string {
  if (typeof prefix === 'string' && /^[!-z|~]{0,200}$/.test(prefix)) return prefix
  const what = 'must be at most 200 characters of printable ASCII without spaces and braces'
  return refuseOption('prefix', what)
}

/** A timer treats more than 2^31 - 1 ms as 1 ms. */
function readPositive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value < 2 ** 31) return value
  return refuseOption(name, 'must be a positive number below 2^31')
}
