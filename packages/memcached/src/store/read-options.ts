import {
  failuresToOpen,
  isolatesRequests,
  pauseBetweenProbes,
  readVariable,
} from '@coatcheck/core/remote'
import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { refuseOption, refuseUnknown } from '../check-option.ts'
import { parseServers } from '../cluster/address.ts'
import type { ServerAddress } from '../cluster/address.ts'
import { ketama } from '../cluster/rank-by-ketama.ts'
import type { Ranking } from '../cluster/hashed-server.ts'
import { frameBytes } from '../cluster/moving-frame.ts'
import { rendezvous } from '../cluster/rank-by-rendezvous.ts'
import type { GuardOptions } from '../cluster/guarded-client.ts'
import { defaults } from '../link/connection-options.ts'
import type { ConnectionOptions, LinkTls } from '../link/connection-options.ts'
import type { Protocol } from '../protocol/detect.ts'
import type { MemcachedStoreOptions } from './store-options.ts'

/** The checked options, with defaults. */
export interface Settings extends GuardOptions {
  readonly addresses: readonly ServerAddress[]
  readonly prefix: string
  readonly maxBytes: number
  readonly protocol: Protocol | 'auto'
  readonly rank: Ranking
  readonly rankingOf: (addresses: readonly ServerAddress[]) => Ranking
  readonly asksSecond: boolean
  readonly switchAt: number | null
  readonly discovery: 'cluster' | undefined
  readonly connections: 'shared' | 'per-request'
  readonly now: () => number
  readonly connectionOptionsFor: (address: ServerAddress) => ConnectionOptions
}

const variable = 'MEMCACHE_SERVERS'

/** An empty variable was probably left unset by mistake, and does not mean localhost. */
function readServers(servers: MemcachedStoreOptions['servers']): readonly ServerAddress[] {
  if (servers !== undefined) return parseServers(servers)
  const text = readVariable(variable)
  if (text === undefined) return parseServers('localhost:11211')
  if (text.trim() === '') {
    refuseOption(
      `${variable}:`,
      'the variable is empty; give it host:port, or unset it for localhost:11211',
    )
  }
  return parseServers(text, variable)
}

/** Seconds would be a time in 1970, and microseconds one in 50,000 AD: both are mistakes. */
function readTime(time: unknown): number {
  if (typeof time === 'number' && time > Date.UTC(2020) && time < Date.UTC(2200)) return time
  return refuseOption('asksSecond', 'must be true, false or a time in milliseconds since 1970')
}

/** memcached's key limit minus the 43 characters of an id. */
const longestPrefix = 250 - 43

const rankings = { rendezvous, ketama }

const known = [
  'servers',
  'prefix',
  'deadline',
  'connectDeadline',
  'maxBytes',
  'maxInFlight',
  'maxQueuedBytes',
  'tls',
  'username',
  'password',
  'protocol',
  'distribution',
  'asksSecond',
  'discovery',
  'proxy',
  'connections',
  'now',
]

/**
 * Checks the store's own options. Those of a connection are checked when its client is created.
 * @throws {SessionError} `invalid-option`, naming the option that is wrong.
 */
export function readOptions(options: MemcachedStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) refuseOption('options', 'must be an object')
  refuseUnknown('', options, known)
  const {
    deadline = defaults.deadline,
    maxBytes = defaults.maxValueBytes,
    protocol = 'auto',
    distribution = 'rendezvous',
    discovery,
    asksSecond = discovery !== undefined,
    proxy = false,
    connections = isolatesRequests() ? 'per-request' : 'shared',
    now = () => Date.now(),
  } = options
  // A timer treats more than 2^31 - 1 ms as 1 ms.
  if (typeof deadline !== 'number' || !(deadline > 0 && deadline < 2 ** 29)) {
    refuseOption('deadline', 'must be a positive number of milliseconds')
  }
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 2 ** 30) {
    refuseOption('maxBytes', 'must be a whole number from 1 to 2^30')
  }
  if (typeof now !== 'function') {
    refuseOption('now', 'must be a function that returns milliseconds')
  }
  const switchAt = typeof asksSecond === 'boolean' ? null : readTime(asksSecond)
  if (typeof proxy !== 'boolean') refuseOption('proxy', 'must be true or false')
  checkTls(options.tls)
  const addresses = readServers(options.servers)
  if (isolatesRequests()) checkWorkerd(options.tls, connections, addresses)
  checkDiscovery(discovery, addresses)
  const rankingOf = rankings[readChoice('distribution', distribution, ['rendezvous', 'ketama'])]
  const prefix = readPrefix(options.prefix ?? 'coatcheck:')
  return {
    addresses,
    prefix,
    deadline,
    maxBytes,
    protocol: readChoice('protocol', protocol, ['binary', 'meta', 'auto']),
    rank: rankingOf(addresses),
    rankingOf,
    asksSecond: asksSecond !== false,
    switchAt,
    discovery,
    connections: readChoice('connections', connections, ['shared', 'per-request']),
    now,
    failures: failuresToOpen,
    pause: pauseBetweenProbes,
    connectionOptionsFor: ({
      endpoint,
      username = options.username,
      password = options.password,
    }) => ({
      ...endpoint,
      deadline,
      connectDeadline: options.connectDeadline,
      maxInFlight: options.maxInFlight,
      maxQueuedBytes: options.maxQueuedBytes,
      maxValueBytes: maxBytes + frameBytes,
      tls: options.tls,
      username,
      password,
      proxy,
      probeKey: `${prefix}check`,
    }),
  }
}

/** An endpoint has one address for all servers; used as a server, it would be a different one each time. */
function checkDiscovery(
  discovery: MemcachedStoreOptions['discovery'],
  addresses: readonly ServerAddress[],
): void {
  if (discovery !== undefined) {
    readChoice('discovery', discovery, ['cluster'])
    if (addresses.length === 1) return
    refuseOption('servers', 'must be one configuration endpoint with discovery')
  }
  const endpoint = addresses.find(({ name }) => /\.cfg\./.test(name))
  if (endpoint === undefined) return
  const what = `${endpoint.name} is the configuration endpoint of a cluster, and no server`
  refuseOption('servers:', `${what}: set discovery: 'cluster', or list the servers`)
}

/** Refuses what workerd ignores, or refuses at the first command. */
function checkWorkerd(
  tls: MemcachedStoreOptions['tls'],
  connections: Settings['connections'],
  addresses: readonly ServerAddress[],
): void {
  const socket = addresses.find(({ endpoint }) => 'path' in endpoint)
  if (socket !== undefined) {
    refuseOption(
      'servers:',
      `${socket.name} is a unix socket, which Cloudflare Workers cannot open`,
    )
  }
  if (connections === 'shared') {
    refuseOption(
      'connections',
      "must be 'per-request' on Cloudflare Workers, where sockets end with their request",
    )
  }
  if (tls === undefined || tls === true || Object.keys(tls).length === 0) return
  const names = Object.keys(tls).join(', ')
  refuseOption(
    'tls',
    `must be true on Cloudflare Workers, which ignores ${names} and trusts public authorities alone`,
  )
}

const tlsOptions = [
  'ca',
  'cert',
  'ciphers',
  'key',
  'minVersion',
  'passphrase',
  'rejectUnauthorized',
  'servername',
] satisfies (keyof LinkTls)[]

/**
 * Without this check, `tls: false` would mean TLS with the defaults, and an invalid certificate
 * would surface as an error of `node:tls` at the first connection.
 */
function checkTls(tls: MemcachedStoreOptions['tls']): void {
  if (tls === undefined || tls === true) return
  if (typeof tls !== 'object' || tls === null) refuseOption('tls', 'must be true or an object')
  refuseUnknown('tls.', tls, tlsOptions)
  try {
    // createSecureContext ignores a CA that is not a certificate.
    for (const ca of [tls.ca ?? []].flat()) new X509Certificate(ca)
    createSecureContext(tls)
  } catch {
    // The original error is dropped, because its text may quote the key.
    refuseOption('tls', 'has a ca, cert, key, passphrase, ciphers or minVersion that is invalid')
  }
}

function readPrefix(prefix: string): string {
  if (typeof prefix !== 'string' || !/^[!-~]*$/.test(prefix)) {
    refuseOption('prefix', 'must be printable ASCII without spaces')
  }
  if (prefix.length <= longestPrefix) return prefix
  return refuseOption('prefix', `must have at most ${longestPrefix} characters`)
}

function readChoice<choice extends string>(
  name: string,
  value: choice,
  choices: readonly choice[],
): choice {
  if (choices.includes(value)) return value
  return refuseOption(name, `must be one of ${choices.join(', ')}`)
}
