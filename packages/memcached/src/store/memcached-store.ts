import { randomUUID } from 'node:crypto'
import type { SessionStore } from '@coatcheck/core'
import { parseServers } from '../cluster/address.ts'
import type { WeightedServer } from '../cluster/address.ts'
import type { Cluster, Version } from '../cluster/cluster.ts'
import { createGuardedClient } from '../cluster/guarded-client.ts'
import { Members } from '../cluster/members.ts'
import { createNaming, StoreError } from '../errors.ts'
import { createClient } from '../protocol/create-client.ts'
import { checkServer } from './check-server.ts'
import { Discovery } from './discovery.ts'
import { exptime } from './exptime.ts'
import { readOptions } from './store-options.ts'
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
   * server that leaves end. One server may be added at a time, and only with `asksSecond`: see
   * "Several servers" in the README.
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
  const { prefix, maxBytes, now } = settings
  const members = new Members({
    ...settings,
    connect(address) {
      const client = createClient(settings.connectionOptionsFor(address), settings.protocol)
      return createGuardedClient(client, { ...settings, node: address.name })
    },
  })
  const discovery = settings.discovery && new Discovery(settings)
  if (discovery === undefined) members.replace(settings.addresses)
  let isClosed = false

  async function discover(): Promise<Cluster> {
    const addresses = isClosed ? [] : await discovery!.read()
    if (isClosed) throw new StoreError('unavailable', 'The store was closed', { sent: false })
    // Another command, or reconfigure, may have been first.
    if (members.cluster === undefined) members.replace(addresses)
    return members.cluster!
  }

  /** Stands in until the servers are known. */
  const undiscovered: Cluster = {
    get: async (key, ttl) => (await discover()).get(key, ttl),
    add: async (key, value, ttl) => (await discover()).add(key, value, ttl),
    replace: async (key, value, ttl, version) =>
      (await discover()).replace(key, value, ttl, version),
    delete: async (key, version) => (await discover()).delete(key, version),
  }
  const cluster = (): Cluster => members.cluster ?? undiscovered

  // The client checks everything else about a key.
  const keyOf = (id: string): string => {
    if (id === '') throw new StoreError('config', 'An id must not be empty', { sent: false })
    return prefix + id
  }
  const checkSize = ({ length }: Uint8Array): void => {
    if (length <= maxBytes) return
    const message = `The record has ${length} bytes, but maxBytes is ${maxBytes}`
    throw new StoreError('too-large', message, { sent: false })
  }

  return {
    load(id, expiresAt) {
      return promised(() => {
        const ttl = expiresAt === undefined ? undefined : exptime(expiresAt, now())
        return cluster().get(keyOf(id), ttl)
      })
    },
    create(id, bytes, expiresAt) {
      return promised(() => {
        checkSize(bytes)
        return cluster().add(keyOf(id), bytes, exptime(expiresAt, now()))
      })
    },
    save(id, bytes, expiresAt, version) {
      return promised(() => {
        checkSize(bytes)
        return cluster().replace(keyOf(id), bytes, exptime(expiresAt, now()), version)
      })
    },
    delete(id, version) {
      return promised(() => cluster().delete(keyOf(id), version))
    },
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

/** Turns a throw into a rejection. An `async` function would cost every command one more tick. */
function promised<result>(work: () => Promise<result>): Promise<result> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

function reasonOf({ node, message }: StoreError): string {
  return node === null ? message : `${node} (${message.slice(`${node}: `.length)})`
}

/** If any server is set up wrongly, its code is reported: it says more than an outage. */
function checkError(errors: readonly StoreError[]): StoreError {
  const code = errors.find((error) => error.code !== 'unavailable')?.code ?? 'unavailable'
  const message = `No memcached: ${errors.map(reasonOf).join(', ')}`
  return new StoreError(code, message, { sent: true, cause: new AggregateError(errors, message) })
}
