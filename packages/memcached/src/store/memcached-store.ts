import { randomUUID } from 'node:crypto'
import type { SessionStore } from '@coatcheck/core'
import { createCluster } from '../cluster/cluster.ts'
import type { Version } from '../cluster/cluster.ts'
import { createGuardedClient } from '../cluster/guarded-client.ts'
import { createNaming, StoreError } from '../errors.ts'
import { createClient } from '../protocol/create-client.ts'
import { checkServer } from './check-server.ts'
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
  const { addresses, prefix, maxBytes, now } = settings
  const servers = addresses.map((address) => {
    const client = createClient(settings.connectionOptionsFor(address), settings.protocol)
    return createGuardedClient(client, { ...settings, node: address.name })
  })
  const cluster = createCluster(servers, settings.rank, settings.asksSecond)

  let isClosed = false

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
        return cluster.get(keyOf(id), ttl)
      })
    },
    create(id, bytes, expiresAt) {
      return promised(() => {
        checkSize(bytes)
        return cluster.add(keyOf(id), bytes, exptime(expiresAt, now()))
      })
    },
    save(id, bytes, expiresAt, version) {
      return promised(() => {
        checkSize(bytes)
        return cluster.replace(keyOf(id), bytes, exptime(expiresAt, now()), version)
      })
    },
    delete(id, version) {
      return promised(() => cluster.delete(keyOf(id), version))
    },
    async check() {
      const results = await Promise.allSettled(
        addresses.map((address, index) =>
          checkServer({
            client: servers[index]!,
            isClosed: () => isClosed,
            options: settings.connectionOptionsFor(address),
            protocol: settings.protocol,
            key: `${prefix}check:${randomUUID()}`,
          }).catch((error: unknown) => {
            throw createNaming(address.name)(error)
          }),
        ),
      )
      const errors = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as StoreError] : [],
      )
      if (errors.length > 0) throw checkError(errors)
    },
    close() {
      isClosed = true
      for (const server of servers) server.close()
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
