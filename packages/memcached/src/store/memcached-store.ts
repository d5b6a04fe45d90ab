import type { SessionStore } from '@coatcheck/core'
import { createWire } from '../protocol/auto-client.ts'
import { createCluster } from '../cluster/cluster.ts'
import type { Version } from '../cluster/cluster.ts'
import { StoreError } from '../errors.ts'
import { createNode } from '../cluster/server.ts'
import { readOptions } from './settings.ts'
import type { MemcachedStoreOptions } from './settings.ts'
import { exptime } from './exptime.ts'

/**
 * Sessions in memcached. A rejection is a `StoreError`: an outage, unless its `code` is `config` or
 * `auth` (the set-up is wrong) or `too-large` (nothing was sent, or nothing was changed).
 */
export interface MemcachedStore extends SessionStore<Version> {
  /**
   * Connects to every server. Rejects with one `StoreError` that names those that do not answer, to
   * be called where an application starts.
   */
  check(): Promise<void>
  /** Ends all connections. Final: every later call rejects. */
  close(): void
}

/**
 * A store in one or several memcached servers. It connects when first used, and keeps no process
 * alive.
 * @throws {StoreError} `config`, when an option is wrong.
 */
export function memcachedStore(options: MemcachedStoreOptions = {}): MemcachedStore {
  const settings = readOptions(options)
  const { servers, prefix, maxBytes, now } = settings
  const nodes = servers.map((server) =>
    createNode(createWire(settings.wireOf(server), settings.protocol), settings),
  )
  const cluster = createCluster(nodes, settings.rank, settings.asksSecond)

  // What else is wrong with a key, the wire says before it sends anything.
  const keyOf = (id: string): string => {
    if (id === '') throw new StoreError('config', 'An id must not be empty', { sent: false })
    return prefix + id
  }
  const checkSize = ({ length }: Uint8Array): void => {
    if (length <= maxBytes) return
    const message = `The record has ${length} bytes, more than maxBytes, which is ${maxBytes}`
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
      const results = await Promise.allSettled(nodes.map((node) => node.check()))
      const faults = results.flatMap((result, index) =>
        result.status === 'rejected'
          ? [{ name: servers[index]!.name, error: result.reason as StoreError }]
          : [],
      )
      if (faults.length > 0) throw unanswered(faults)
    },
    close() {
      for (const node of nodes) node.close()
    },
  }
}

/**
 * What is thrown becomes a rejection. An `async` function would be one more turn for every command.
 */
function promised<result>(work: () => Promise<result>): Promise<result> {
  try {
    return work()
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

/** A wrong set-up says more than an outage, so its code is the one that counts. */
function unanswered(faults: readonly { name: string; error: StoreError }[]): StoreError {
  const said = faults.map(({ name, error }) => `${name} (${error.message})`)
  const errors = faults.map(({ error }) => error)
  const code = errors.find((error) => error.code !== 'unavailable')?.code ?? 'unavailable'
  const message = `No memcached: ${said.join(', ')}`
  return new StoreError(code, message, { sent: true, cause: new AggregateError(errors, message) })
}
