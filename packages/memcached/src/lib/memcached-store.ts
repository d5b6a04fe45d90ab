import type { SessionStore } from '@coatcheck/core'
import { createWire } from './auto-wire.ts'
import { createCluster } from './cluster.ts'
import type { Version } from './cluster.ts'
import { StoreError } from './errors.ts'
import { createNode } from './node.ts'
import { readOptions } from './options.ts'
import type { MemcachedStoreOptions } from './options.ts'
import { exptime } from './ttl.ts'

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

/** memcached's limit. */
const longestKey = 250

/**
 * A store in one or several memcached servers. It connects when first used, and keeps no process alive.
 * @throws {StoreError} `config`, when an option is wrong.
 */
export function memcachedStore(options: MemcachedStoreOptions = {}): MemcachedStore {
  const settings = readOptions(options)
  const { servers, prefix, maxBytes, now } = settings
  const nodes = servers.map((server) =>
    createNode(createWire(settings.wireOf(server), settings.protocol), settings),
  )
  const cluster = createCluster(nodes, settings.rank, settings.asksSecond)

  const keyOf = (id: string): string => {
    const key = prefix + id
    if (id !== '' && key.length <= longestKey && /^[!-~]*$/.test(key)) return key
    const message = `Prefix and id must be printable ASCII, together 1 to ${longestKey} characters`
    throw new StoreError('config', message, { sent: false })
  }
  const checkSize = ({ length }: Uint8Array): void => {
    if (length <= maxBytes) return
    const message = `The record has ${length} bytes, more than maxBytes, which is ${maxBytes}`
    throw new StoreError('too-large', message, { sent: false })
  }

  return {
    async load(id, expiresAt) {
      const ttl = expiresAt === undefined ? undefined : exptime(expiresAt, now())
      const found = await cluster.get(keyOf(id), ttl)
      return found && { bytes: found.value, version: found.version }
    },
    async create(id, bytes, expiresAt) {
      checkSize(bytes)
      return cluster.add(keyOf(id), bytes, exptime(expiresAt, now()))
    },
    async save(id, bytes, expiresAt, version) {
      checkSize(bytes)
      return cluster.replace(keyOf(id), bytes, exptime(expiresAt, now()), version)
    },
    async delete(id, version) {
      return cluster.delete(keyOf(id), version)
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

/** A wrong set-up says more than an outage, so its code is the one that counts. */
function unanswered(faults: readonly { name: string; error: StoreError }[]): StoreError {
  const said = faults.map(({ name, error }) => `${name} (${error.message})`)
  const errors = faults.map(({ error }) => error)
  const code = errors.find((error) => error.code !== 'unavailable')?.code ?? 'unavailable'
  const message = `No memcached: ${said.join(', ')}`
  return new StoreError(code, message, { sent: true, cause: new AggregateError(errors, message) })
}
