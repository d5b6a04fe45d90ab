import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { parseServers } from '../cluster/address.ts'
import type { ServerAddress, WeightedServer } from '../cluster/address.ts'
import { StoreError } from '../errors.ts'
import { ketama } from '../cluster/ketama.ts'
import type { Protocol } from '../protocol/detect.ts'
import { linkSettings } from '../link/settings.ts'
import type { LinkTls, WireOptions } from '../link/settings.ts'
import type { NodeOptions } from '../cluster/server.ts'
import { rendezvous } from '../cluster/rendezvous.ts'
import type { Ranking } from '../cluster/rendezvous.ts'

export interface MemcachedStoreOptions {
  /**
   * The servers, in a list or separated by commas: `host`, `host:port`, `[ipv6]:port`,
   * `memcached://user:password@host:port`, or the path of a unix socket. Every process must name
   * the same ones in the same words; the order does not matter. Default: the environment variable
   * MEMCACHE_SERVERS, else `localhost:11211`.
   */
  readonly servers?: string | readonly (string | WeightedServer)[]
  /** In front of each key: printable ASCII without space. Default `coatcheck:`. */
  readonly prefix?: string
  /** Milliseconds until a command is given up, connecting included. Default 250. */
  readonly deadline?: number
  /** Milliseconds until a connection is open. Default 500, with TLS 1000. */
  readonly connectDeadline?: number
  /**
   * The largest record, in bytes. Default 1,000,000: with its key it is below memcached's own limit
   * of 1 MiB. Raise it together with memcached's `-I`.
   */
  readonly maxBytes?: number
  /**
   * Commands that may wait for their answer at one server. Default 10,000; beyond it `overloaded`.
   */
  readonly maxInFlight?: number
  /** Bytes that may wait to be written to one server. Default 16 MiB; beyond it `overloaded`. */
  readonly maxQueuedBytes?: number
  /**
   * TLS to every server: `true`, or `node:tls` options (ca, cert, key, servername). Default: none.
   */
  readonly tls?: true | LinkTls
  /**
   * SASL PLAIN (binary protocol) or `-Y` login (meta), where an address has no credentials of its
   * own.
   */
  readonly username?: string
  readonly password?: string
  /**
   * `meta`: memcached's meta commands (1.6 and later, managed services that have dropped binary).
   * `binary`: its binary protocol (1.4 and later, SASL; deprecated). `auto`: asks each server when
   * it connects, meta first. Default: `binary`.
   */
  readonly protocol?: Protocol | 'auto'
  /**
   * How sessions are spread over several servers: `rendezvous`, or `ketama` as libmemcached does it
   * (KETAMA_WEIGHTED). Default: `rendezvous`.
   */
  readonly distribution?: 'rendezvous' | 'ketama'
  /**
   * Looks for a session that its server does not have on the server next in rank, so that adding a
   * server logs nobody out: set it before adding one, and until the sessions from before have
   * ended. A session that is nowhere then costs two trips. Default: false.
   */
  readonly asksSecond?: boolean
  /** The clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** The options, checked, with the defaults filled in. */
export interface Settings extends NodeOptions {
  readonly servers: readonly ServerAddress[]
  readonly prefix: string
  readonly maxBytes: number
  readonly protocol: Protocol | 'auto'
  readonly rank: Ranking
  readonly asksSecond: boolean
  readonly now: () => number
  readonly wireOf: (server: ServerAddress) => WireOptions
}

/** memcached's limit on keys, less the 43 characters of the core's ids. */
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
  'now',
]

/** @throws {StoreError} `config`, naming the option that is wrong. */
export function readOptions(options: MemcachedStoreOptions): Settings {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'must be an object')
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw wrong(unknown, `is no option; there are ${known.join(', ')}`)
  const {
    servers = process.env['MEMCACHE_SERVERS'] || 'localhost:11211',
    deadline = 250,
    maxBytes = 1_000_000,
    protocol = 'binary',
    distribution = 'rendezvous',
    asksSecond = false,
    now = () => Date.now(),
  } = options
  // Timers wait at most 2^31 - 1 ms, and take more for 1 ms.
  if (typeof deadline !== 'number' || !(deadline > 0 && deadline < 2 ** 29)) {
    throw wrong('deadline', 'must be a positive number of milliseconds')
  }
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 2 ** 30) {
    throw wrong('maxBytes', 'must be a whole number from 1 to 2^30')
  }
  if (typeof now !== 'function') throw wrong('now', 'must be a function that returns milliseconds')
  if (typeof asksSecond !== 'boolean') throw wrong('asksSecond', 'must be true or false')
  checkTls(options.tls)
  const addresses = parseServers(servers)
  const settings: Settings = {
    servers: addresses,
    prefix: readPrefix(options.prefix ?? 'coatcheck:'),
    deadline,
    maxBytes,
    protocol: readChoice('protocol', protocol, ['binary', 'meta', 'auto']),
    rank: rankings[readChoice('distribution', distribution, ['rendezvous', 'ketama'])](addresses),
    asksSecond,
    now,
    failures: 3,
    pause: 1000,
    wireOf: ({ node, username = options.username, password = options.password }) => ({
      ...node,
      deadline,
      connectDeadline: options.connectDeadline,
      maxInFlight: options.maxInFlight,
      maxQueuedBytes: options.maxQueuedBytes,
      maxValueBytes: maxBytes,
      tls: options.tls,
      username,
      password,
    }),
  }
  // Says at once what a first connection would find wrong.
  for (const server of addresses) linkSettings(settings.wireOf(server))
  return settings
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
 * `tls: false` would be TLS with the defaults, and a certificate that cannot be read no StoreError.
 */
function checkTls(tls: MemcachedStoreOptions['tls']): void {
  if (tls === undefined || tls === true) return
  if (typeof tls !== 'object' || tls === null) throw wrong('tls', 'must be true or an object')
  const known: readonly string[] = tlsOptions
  const unknown = Object.keys(tls).find((name) => !known.includes(name))
  if (unknown !== undefined) throw wrong(`tls.${unknown}`, `is no option; ${known.join(', ')} are`)
  try {
    // Node passes over a CA that is no certificate.
    for (const ca of [tls.ca ?? []].flat()) new X509Certificate(ca)
    createSecureContext(tls)
  } catch {
    // The cause's text may quote what it could not read.
    throw wrong('tls', 'has a ca, cert, key, passphrase, ciphers or minVersion that cannot be used')
  }
}

function readPrefix(prefix: string): string {
  if (typeof prefix !== 'string' || !/^[!-~]*$/.test(prefix)) {
    throw wrong('prefix', 'must be printable ASCII without space')
  }
  if (prefix.length <= longestPrefix) return prefix
  throw wrong('prefix', `must have at most ${longestPrefix} characters`)
}

function readChoice<choice extends string>(
  name: string,
  value: choice,
  choices: readonly choice[],
): choice {
  if (choices.includes(value)) return value
  throw wrong(name, `must be one of ${choices.join(', ')}`)
}

function wrong(option: string, why: string): StoreError {
  return new StoreError('config', `memcachedStore: ${option} ${why}`, { sent: false })
}
