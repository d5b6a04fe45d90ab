import { lookup } from 'node:dns'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { refuseOption } from '../check-option.ts'
import type { Lookup } from './resolve.ts'

/** Where a server listens: a host (name, IPv4 or IPv6) and a port, or a unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string }

/** The options that are passed to `node:tls`. */
export type LinkTls = Pick<
  TlsOptions,
  | 'ca'
  | 'cert'
  | 'ciphers'
  | 'key'
  | 'minVersion'
  | 'passphrase'
  | 'rejectUnauthorized'
  | 'servername'
>

/** The limits of one connection. */
export interface ConnectionLimits {
  /** Milliseconds until a submitted command has settled, on the `loopTime` clock. */
  readonly deadline: number
  /** Milliseconds until the connection is open: TCP, TLS and login. */
  readonly connectDeadline: number
  /** Commands that may wait for their answer at the same time. */
  readonly maxInFlight: number
  /** Bytes that may wait to be written to the socket. */
  readonly maxQueuedBytes: number
  /** Bytes of the longest value that is sent, or accepted from the server. */
  readonly maxValueBytes: number
  /** Milliseconds of idle time after which the connection is not reused: a NAT may have dropped it. */
  readonly maxIdle: number
  /** Milliseconds after which the server's name is resolved again, because the server may have moved. */
  readonly followAfter: number
}

/** `maxValueBytes` fits, with key and header, memcached's own limit (`-I`, 1 MiB). */
export const defaults: ConnectionLimits = {
  deadline: 250,
  connectDeadline: 500,
  maxInFlight: 10_000,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxValueBytes: 1_000_000,
  maxIdle: 30_000,
  followAfter: 60_000,
}

const defaultConnectDeadlineOfTls = 1000

/** The options of the connection to one server. */
export type ConnectionOptions = Endpoint & {
  readonly [name in keyof ConnectionLimits]?: number | undefined
} & {
  /** Default: no TLS. */
  readonly tls?: LinkTls | true | undefined
  /** SASL PLAIN in the binary protocol, memcached's `-Y` login in the meta protocol. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Whether all addresses of the name lead to the same data. Default: false. */
  readonly proxy?: boolean | undefined
  /** The key that is read to detect the protocol. Default: `coatcheck`. */
  readonly probeKey?: string | undefined
  /** Default: `lookup` of `node:dns`. */
  readonly lookup?: Lookup | undefined
}

/** The checked `ConnectionOptions`, with defaults. */
export interface ConnectionSettings extends ConnectionLimits {
  readonly endpoint: Endpoint
  readonly tls: LinkTls | undefined
  readonly login: { readonly username: string; readonly password: string } | undefined
  readonly proxy: boolean
  readonly probeKey: string
  readonly lookup: Lookup
}

/** @throws {SessionError} `invalid-option`, naming the option that is wrong. */
export function readConnectionOptions(options: ConnectionOptions): ConnectionSettings {
  const tls = options.tls === true ? {} : options.tls
  const connectDeadline = tls ? defaultConnectDeadlineOfTls : defaults.connectDeadline
  const read = (name: keyof ConnectionLimits, value = defaults[name]) =>
    readPositive(name, options[name] ?? value)
  return {
    endpoint: readEndpoint(options),
    tls,
    login: readLogin(options),
    deadline: read('deadline'),
    connectDeadline: read('connectDeadline', connectDeadline),
    maxInFlight: read('maxInFlight'),
    maxQueuedBytes: read('maxQueuedBytes'),
    maxValueBytes: read('maxValueBytes'),
    maxIdle: read('maxIdle'),
    followAfter: read('followAfter'),
    proxy: options.proxy ?? false,
    probeKey: options.probeKey ?? 'coatcheck',
    lookup: options.lookup ?? lookup,
  }
}

function readEndpoint(options: ConnectionOptions): Endpoint {
  if ('path' in options) {
    if (typeof options.path === 'string' && options.path !== '') return { path: options.path }
    return refuseOption('path', 'must be the path of a unix socket')
  }
  const { host, port } = options
  if (typeof host !== 'string' || host === '') {
    refuseOption('host', 'must be a host name or an IP address')
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    refuseOption('port', 'must be a whole number from 1 to 65535')
  }
  return { host, port }
}

function readLogin({ username, password }: ConnectionOptions): ConnectionSettings['login'] {
  if (username === undefined && password === undefined) return undefined
  if (!username || !password) {
    return refuseOption('username', 'and password must be given together')
  }
  if (/[\0\r\n]/.test(username + password)) {
    refuseOption('username', 'and password must not contain NUL or line breaks')
  }
  return { username, password }
}

/** A timer treats more than 2^31 - 1 ms as 1 ms. */
function readPositive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0 && value < 2 ** 31) return value
  return refuseOption(name, 'must be a positive number below 2^31')
}
