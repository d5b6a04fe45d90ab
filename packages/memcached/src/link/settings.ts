import type { ConnectionOptions } from 'node:tls'
import { StoreError } from '../errors.ts'

/** Where one memcached node listens: a host (name, IPv4 or IPv6) and a port, or a unix socket. */
export type NodeAddress =
  { readonly host: string; readonly port: number } | { readonly path: string }

/** What of `node:tls` a link passes on; `true` where the defaults do. */
export type LinkTls = Pick<
  ConnectionOptions,
  | 'ca'
  | 'cert'
  | 'ciphers'
  | 'key'
  | 'minVersion'
  | 'passphrase'
  | 'rejectUnauthorized'
  | 'servername'
>

/** The bounds of one connection. */
export interface LinkLimits {
  /** Milliseconds from the moment a command is handed in until it has settled. Default 250. */
  readonly deadline?: number | undefined
  /** Milliseconds until a connection is open: TCP, TLS and login. Default 500, with TLS 1000. */
  readonly connectDeadline?: number | undefined
  /** Commands that may wait for their answer at the same time. Default 10,000. */
  readonly maxInFlight?: number | undefined
  /** Bytes that may wait to be written to the socket. Default 16 MiB. */
  readonly maxQueuedBytes?: number | undefined
  /**
   * Bytes of the longest value that is stored, or accepted from the node. Default 1,000,000: with
   * key and header it fits memcached's own limit (`-I`, 1 MiB).
   */
  readonly maxValueBytes?: number | undefined
}

/** Everything there is to say about the connection to one node. */
export type WireOptions = NodeAddress &
  LinkLimits & {
    /** Default: no TLS. */
    readonly tls?: LinkTls | true | undefined
    /** SASL PLAIN over the binary protocol, memcached's `-Y` login over the meta protocol. */
    readonly username?: string | undefined
    readonly password?: string | undefined
  }

/** `WireOptions` with every default filled in. */
export interface LinkSettings extends Required<{ [name in keyof LinkLimits]: number }> {
  readonly address: NodeAddress
  readonly tls: LinkTls | undefined
  readonly login: { readonly username: string; readonly password: string } | undefined
}

/** Fills in the defaults. @throws {StoreError} `config`, naming the option that is wrong. */
export function linkSettings(options: WireOptions): LinkSettings {
  const tls = options.tls === true ? {} : options.tls
  return {
    address: addressOf(options),
    tls,
    login: loginOf(options),
    deadline: positive('deadline', options.deadline ?? 250),
    connectDeadline: positive('connectDeadline', options.connectDeadline ?? (tls ? 1000 : 500)),
    maxInFlight: positive('maxInFlight', options.maxInFlight ?? 10_000),
    maxQueuedBytes: positive('maxQueuedBytes', options.maxQueuedBytes ?? 16 * 1024 * 1024),
    maxValueBytes: positive('maxValueBytes', options.maxValueBytes ?? 1_000_000),
  }
}

function addressOf(options: WireOptions): NodeAddress {
  if ('path' in options) {
    if (typeof options.path === 'string' && options.path !== '') return { path: options.path }
    throw wrong('path', 'must be the path of a unix socket')
  }
  const { host, port } = options
  if (typeof host !== 'string' || host === '') throw wrong('host', 'must be a name or an address')
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw wrong('port', 'must be a whole number from 1 to 65535')
  }
  return { host, port }
}

function loginOf({ username, password }: WireOptions): LinkSettings['login'] {
  if (username === undefined && password === undefined) return undefined
  if (!username || !password) throw wrong('username', 'and password must be given together')
  if (/[\0\r\n]/.test(username + password)) {
    throw wrong('username', 'and password must not contain NUL or line breaks')
  }
  return { username, password }
}

/** Timers wait at most 2^31 - 1 ms, and treat more as 1 ms. */
function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value < 2 ** 31) return value
  throw wrong(name, 'must be a positive number below 2^31')
}

function wrong(option: string, why: string): StoreError {
  return new StoreError('config', `The option ${option} ${why}`, { sent: false })
}
