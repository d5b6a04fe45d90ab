import { randomUUID } from 'node:crypto'
import type { SessionStore, StoreScope } from '@coatcheck/core'
import { parseServers } from '../cluster/address.ts'
import type { WeightedServer } from '../cluster/address.ts'
import type { Cluster, Version } from '../cluster/cluster.ts'
import { Members } from '../cluster/members.ts'
import type { Lease } from '../cluster/members.ts'
import { createNaming, StoreError } from '@coatcheck/core/remote'
import { checkServer } from './check-server.ts'
import { connectServer } from './connect-server.ts'
import { Discovery } from './discovery.ts'
import { createOperations } from './store-commands.ts'
import { readOptions } from './read-options.ts'
import type { MemcachedStoreOptions } from './store-options.ts'

/**
 * Sessions in memcached. Every rejection is a `StoreError`. It is an outage unless its `code` is
 * `config` or `auth` (the setup is wrong) or `too-large` (the stored record is unchanged).
 */
export interface MemcachedStore extends SessionStore<Version> {
  /**
   * Connects to every server, and writes, reads and deletes a record there. Rejects with one
   * `StoreError` that names the servers that do not answer or are set up wrongly, and says what is
   * wrong. Call it when your application starts.
   */
  check(): Promise<void>
  /**
   * The servers that there are now, as `host:port`: with `discovery`, as the endpoint lists them at
   * this moment. Changes nothing.
   */
  discover(): Promise<readonly string[]>
  /**
   * Replaces the servers while the store runs; takes what the option `servers` takes. Sessions of a
   * server that leaves end. One server may be added, or get another weight, at a time, and only
   * with `asksSecond`: see "Scaling out and in" in the documentation.
   * @throws {SessionError} `invalid-option`
   */
  reconfigure(servers: string | readonly (string | WeightedServer)[]): void
  /** Closes all connections for good: every later call rejects. */
  close(): void
}

/**
 * A store on one or more memcached servers. It connects on first use and does not keep the process
 * running.
 * @throws {SessionError} `invalid-option`, naming the option that is wrong.
 */
export function memcachedStore(options: MemcachedStoreOptions = {}): MemcachedStore {
  const settings = readOptions(options)
  const { prefix, connections } = settings
  const members = new Members({
    ...settings,
    connect: (address) => connectServer(settings, address),
  })
  const discovery = settings.discovery && new Discovery(settings)
  if (discovery === undefined) members.replace(settings.addresses)
  let isClosed = false

  async function discover(): Promise<Cluster> {
    const addresses = isClosed ? [] : await discovery!.read()
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    // Another command or `reconfigure` may have been faster.
    if (members.cluster === undefined) members.replace(addresses)
    return members.cluster!
  }

  /** Used until the servers are known. */
  const undiscovered: Cluster = {
    get: async (key, ttl, known) => (await discover()).get(key, ttl, known),
    add: async (key, value, ttl) => (await discover()).add(key, value, ttl),
    replace: async (key, value, ttl, version) =>
      (await discover()).replace(key, value, ttl, version),
    delete: async (key, version) => (await discover()).delete(key, version),
  }
  const cluster = (): Cluster => members.cluster ?? undiscovered

  /** Uses the connections of one request, opened at its first command. */
  function scope(): StoreScope<Version> {
    let lease: Lease | undefined
    const leased = (): Cluster => {
      if (members.cluster === undefined) return undiscovered
      lease ??= members.lease()
      return lease.cluster
    }
    return {
      ...createOperations(settings, leased),
      release() {
        lease?.close()
        lease = undefined
      },
    }
  }

  return {
    ...createOperations(settings, cluster),
    ...(connections === 'per-request' ? { scope } : {}),
    async check() {
      if (members.cluster === undefined) await discover()
      const checks = members.servers.map(({ address, client }) => {
        const key = `${prefix}check:${randomUUID()}`
        const connection = settings.connectionOptionsFor(address)
        const { protocol } = settings
        return checkServer({
          client,
          key,
          protocol,
          options: connection,
          isClosed: () => isClosed,
        }).catch((error: unknown) => {
          throw createNaming(address.name)(error)
        })
      })
      const results = await Promise.allSettled(checks)
      const errors = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as StoreError] : [],
      )
      if (errors.length > 0) throw checkError(errors)
    },
    async discover() {
      if (discovery === undefined) return members.servers.map(({ address }) => address.name)
      return (await discovery.read()).map(({ name }) => name)
    },
    reconfigure(servers) {
      if (!isClosed) members.replace(parseServers(servers))
    },
    close() {
      isClosed = true
      members.close()
    },
  }
}

function reasonOf({ node, message }: StoreError): string {
  return node === null ? message : `${node} (${message.slice(`${node}: `.length)})`
}

/** A wrong setup takes precedence over an outage in the reported code. */
function checkError(errors: readonly StoreError[]): StoreError {
  const code = errors.find((error) => error.code !== 'unavailable')?.code ?? 'unavailable'
  const message = `No memcached: ${errors.map(reasonOf).join(', ')}`
  return new StoreError(code, message, { sent: true, cause: new AggregateError(errors, message) })
}
