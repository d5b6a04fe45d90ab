import type { WeightedServer } from '../cluster/address.ts'
import type { LinkTls } from '../link/connection-options.ts'
import type { Protocol } from '../protocol/detect.ts'

export interface MemcachedStoreOptions {
  /**
   * The servers, as a list or as text separated by commas: `host`, `host:port`, `[ipv6]:port`,
   * `memcached://user:password@host:port`, or the path of a unix socket. Every process must list
   * the same servers in the same spelling; the order does not matter. Default: the environment
   * variable MEMCACHE_SERVERS, which must not be empty, else `localhost:11211`.
   */
  readonly servers?: string | readonly (string | WeightedServer)[]
  /** Prefix of every key: printable ASCII without spaces. Default: `coatcheck:`. */
  readonly prefix?: string
  /** Milliseconds until a command fails, connecting included. Default: 250. */
  readonly deadline?: number
  /** Milliseconds until a connection attempt fails. Default: 500, with TLS 1000. */
  readonly connectDeadline?: number
  /**
   * The largest record in bytes. Default: 1,000,000, which with its key fits memcached's own limit
   * of 1 MiB. To raise it, raise memcached's `-I` as well.
   */
  readonly maxBytes?: number
  /** Commands that may wait for one server; one more fails with `overloaded`. Default: 10,000. */
  readonly maxInFlight?: number
  /**
   * Bytes that may wait to be sent to one server; more fails with `overloaded`. Default: 16 MiB.
   */
  readonly maxQueuedBytes?: number
  /**
   * TLS to every server: `true`, or options of `node:tls` (ca, cert, key, servername). Default: no
   * TLS.
   */
  readonly tls?: true | LinkTls
  /**
   * Login for every server whose address has no credentials: SASL PLAIN (binary protocol) or `-Y`
   * (meta protocol). Default: no login.
   */
  readonly username?: string
  readonly password?: string
  /**
   * `meta`: memcached's meta commands (1.6.18 and later, and managed services without binary).
   * `binary`: its binary protocol (1.4 and later, SASL; deprecated). `auto`: asks each server when
   * it connects, meta first. Default: `auto`.
   */
  readonly protocol?: Protocol | 'auto'
  /**
   * How sessions are distributed over several servers: `rendezvous`, or `ketama` as in libmemcached
   * (KETAMA_WEIGHTED). Default: `rendezvous`.
   */
  readonly distribution?: 'rendezvous' | 'ketama'
  /**
   * Also looks for a session on the server that ranks second, so that adding a server does not sign
   * visitors out. Set it before you add a server, and keep it until all older sessions have ended.
   * A number is the time, in milliseconds since 1970, when all processes have the new list: one
   * minute later, sessions begin to move to their new server when they are saved. With `true` they
   * begin ten minutes after this process got the list. A session that does not exist costs three
   * round trips. Default: false, but true with `discovery`.
   */
  readonly asksSecond?: boolean | number
  /**
   * `cluster`: `servers` is the configuration endpoint of a cluster (ElastiCache, Memorystore). Its
   * list of servers is read once, before the first command. Default: `servers` are the servers.
   */
  readonly discovery?: 'cluster'
  /**
   * Whether the servers are proxies of the same memcached servers, so that every address of a name
   * serves every session. A name of several addresses is refused without it. Default: false.
   */
  readonly proxy?: boolean
  /**
   * `shared`: one connection to each server, for all requests. `per-request`: each request has its own, from the time
   * it loads its session until it has saved it, for runtimes where requests cannot share a socket. Default:
   * `per-request` on Cloudflare Workers, which ends a socket with its request, and `shared` everywhere else.
   */
  readonly connections?: 'shared' | 'per-request'
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
}
