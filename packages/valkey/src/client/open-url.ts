import { Cluster, Valkey } from 'iovalkey'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { refuseOption } from '../check-option.ts'
import type { Driver } from './driver.ts'
import { IoCluster } from './io-cluster.ts'
import { IoSingle } from './io-single.ts'
import type { IoCluster as ClusterClient, IoConnection } from './io-types.ts'
import { clusterFor, ownFor } from './open-client.ts'

/** The options that say where the servers are. */
export interface UrlOptions {
  readonly url: string | readonly string[]
  readonly sentinel?: string
  readonly cluster?: boolean
  readonly username?: string
  readonly password?: string
  readonly tls?: true | TlsOptions
}

interface Address {
  readonly host: string
  readonly port: number
  readonly path?: string
  readonly db: number
  readonly isTls: boolean
  readonly username?: string
  readonly password?: string
}

/** Opens connections to servers by their addresses. */
export function openUrl(options: UrlOptions, connectDeadline: number): () => Driver {
  const { sentinel, cluster = false } = options
  if (typeof cluster !== 'boolean') refuseOption('cluster', 'must be true or false')
  if (sentinel !== undefined && (typeof sentinel !== 'string' || sentinel === '')) {
    refuseOption('sentinel', 'must be the name of the primary')
  }
  if (cluster && sentinel !== undefined) refuseOption('sentinel', 'and cluster exclude each other')
  const isSentinel = sentinel !== undefined
  const addresses = [options.url].flat().map((url) => parse(url, isSentinel ? 26_379 : 6379))
  const [first] = addresses as [Address]
  if (addresses.length === 0) refuseOption('url', 'must not be an empty list')
  if (!cluster && !isSentinel && addresses.length > 1) {
    refuseOption('url', 'must be one address, or set cluster or sentinel')
  }
  const own = { ...ownFor(connectDeadline), ...access(options, first) }
  if (cluster) {
    if (first.db !== 0) refuseOption('url', 'must not name a database: a cluster has one')
    const settings = { ...clusterFor(connectDeadline), redisOptions: own }
    const connect = (): ClusterClient =>
      new Cluster([...addresses], settings as object) as unknown as ClusterClient
    return () => new IoCluster(connect, connectDeadline)
  }
  const { host, port, path, db } = first
  const where = isSentinel
    ? { sentinels: addresses.map(({ host, port }) => ({ host, port })), name: sentinel }
    : path === undefined
      ? { host, port }
      : { path }
  const sentinelOptions = isSentinel ? { sentinelRetryStrategy: null, ...sentinelTls(own) } : {}
  const settings = { ...own, ...where, ...sentinelOptions, db }
  return () => {
    const client = new Valkey(settings as object)
    return new IoSingle(client as unknown as IoConnection, connectDeadline)
  }
}

function sentinelTls(own: object): object {
  return 'tls' in own ? { sentinelTLS: own.tls, enableTLSForSentinelMode: true } : {}
}

function access({ username, password, tls }: UrlOptions, first: Address): object {
  if (username !== undefined && typeof username !== 'string') {
    refuseOption('username', 'must be a text')
  }
  if (password !== undefined && typeof password !== 'string') {
    refuseOption('password', 'must be a text')
  }
  if (tls !== undefined && tls !== true && (typeof tls !== 'object' || tls === null)) {
    refuseOption('tls', 'must be true or an object')
  }
  const login = {
    username: username ?? first.username,
    password: password ?? first.password,
  }
  if (login.username !== undefined && login.password === undefined) {
    refuseOption('password', 'must be given with a username')
  }
  const options = tls ?? (first.isTls ? true : undefined)
  return { ...login, family: 0, ...(options && { tls: options === true ? {} : options }) }
}

const schemes: Readonly<Record<string, boolean>> = {
  'valkey:': false,
  'redis:': false,
  'valkeys:': true,
  'rediss:': true,
}

/** Errors quote no part of an address, because it may contain a password. */
function parse(text: string, defaultPort: number): Address {
  if (typeof text !== 'string' || text === '') refuseOption('url', 'must be a text')
  if (text.startsWith('/')) return { host: '', port: 0, path: text, db: 0, isTls: false }
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `valkey://${text}`)
  if (url === null) refuseOption('url', 'has an address that cannot be read')
  const isTls = schemes[url.protocol]
  if (isTls === undefined)
    refuseOption('url', 'must begin with valkey:, valkeys:, redis: or rediss:')
  if (url.hostname === '') refuseOption('url', 'has an address without a host')
  if (url.search !== '' || url.hash !== '') {
    refuseOption('url', 'must not have a query: give options beside it')
  }
  const db = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1]
  if (db === undefined) refuseOption('url', 'must name its database by a number, as in /0')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? defaultPort : Number(url.port),
    db: Number(db),
    isTls,
    ...(url.username !== '' && { username: decode(url.username) }),
    ...(url.password !== '' && { password: decode(url.password) }),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuseOption('url', 'has a login with an invalid percent-encoding')
  }
}
