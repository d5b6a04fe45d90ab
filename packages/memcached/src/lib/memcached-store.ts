import type { SessionStore } from '@coatcheck/core'
import { formatAddress, parseServers } from './address.ts'
import { StoreError } from './errors.ts'
import { createMemjsWire } from './memjs-wire.ts'
import { rendezvous } from './rendezvous.ts'
import { exptime } from './ttl.ts'
import type { Wire } from './wire.ts'

export interface MemcachedStoreOptions {
  /**
   * The servers: `host`, `host:port`, `[ipv6]:port` or `memcached://host:port`, in a list or
   * separated by commas. Every process must name the same ones in the same words; the order does
   * not matter. Default: the environment variable MEMCACHE_SERVERS, else `localhost:11211`.
   */
  readonly servers?: string | readonly string[]
  /** In front of each key: printable ASCII without space. Default `coatcheck:`. */
  readonly prefix?: string
  /** Milliseconds until a command is given up, connecting included. Default 250. */
  readonly deadline?: number
  /**
   * The largest record, in bytes. Default 1,000,000: with its key it is below memcached's own limit
   * of 1 MiB. Raise it together with memcached's `-I`.
   */
  readonly maxBytes?: number
  /** The clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/**
 * Sessions in memcached. A rejection is a `StoreError`: an outage, unless its `code` is `config` or
 * `auth` (the set-up is wrong) or `too-large` (nothing was sent, or nothing was changed).
 */
export interface MemcachedStore extends SessionStore<Uint8Array> {
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
 * A store in one or several memcached servers. It connects when first used.
 * @throws {StoreError} `config`, when an option is wrong.
 */
export function memcachedStore(options: MemcachedStoreOptions = {}): MemcachedStore {
  const { prefix, deadline, maxBytes, now, addresses } = settingsOf(options)
  const names = addresses.map(formatAddress)
  const wires = addresses.map((address) => createMemjsWire({ ...address, deadline }))
  const pick = rendezvous(names)

  const keyOf = (id: string): string => {
    const key = prefix + id
    if (id !== '' && key.length <= longestKey && isPrintable(key)) return key
    const message = `Prefix and id must be printable ASCII, together 1 to ${longestKey} characters`
    throw new StoreError('config', message, { sent: false })
  }
  const wireOf = (key: string): Wire => wires[pick(key)]!
  const checkSize = ({ length }: Uint8Array): void => {
    if (length <= maxBytes) return
    const message = `The record has ${length} bytes, more than maxBytes, which is ${maxBytes}`
    throw new StoreError('too-large', message, { sent: false })
  }

  return {
    async load(id, expiresAt) {
      const key = keyOf(id)
      const ttl = expiresAt === undefined ? undefined : exptime(expiresAt, now())
      const hit = await wireOf(key).get(key, ttl)
      return hit === null ? null : { bytes: hit.value, version: hit.cas }
    },
    async create(id, bytes, expiresAt) {
      const key = keyOf(id)
      checkSize(bytes)
      return wireOf(key).add(key, bytes, exptime(expiresAt, now()))
    },
    async save(id, bytes, expiresAt, version) {
      const key = keyOf(id)
      checkSize(bytes)
      return wireOf(key).replace(key, bytes, exptime(expiresAt, now()), version)
    },
    async delete(id, version) {
      const key = keyOf(id)
      return wireOf(key).delete(key, version)
    },
    async check() {
      const results = await Promise.allSettled(wires.map((wire) => wire.check()))
      const faults = results.flatMap((result, index) =>
        result.status === 'rejected' ? [{ name: names[index]!, error: errorOf(result) }] : [],
      )
      if (faults.length > 0) throw unanswered(faults)
    },
    close() {
      for (const wire of wires) wire.close()
    },
  }
}

function settingsOf(options: MemcachedStoreOptions) {
  const {
    servers = process.env['MEMCACHE_SERVERS'] || 'localhost:11211',
    prefix = 'coatcheck:',
    deadline = 250,
    maxBytes = 1_000_000,
    now = () => Date.now(),
  } = options
  if (typeof prefix !== 'string' || !isPrintable(prefix)) {
    throw wrong('prefix', 'must be printable ASCII without space')
  }
  // The core's ids have 43 characters.
  if (prefix.length > longestKey - 43) {
    throw wrong('prefix', `must have at most ${longestKey - 43} characters`)
  }
  // Timers wait at most 2^31 - 1 ms, and take more for 1 ms.
  if (typeof deadline !== 'number' || !(deadline > 0 && deadline < 2 ** 29)) {
    throw wrong('deadline', 'must be a positive number of milliseconds')
  }
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 2 ** 30) {
    throw wrong('maxBytes', 'must be a whole number from 1 to 2^30')
  }
  if (typeof now !== 'function') throw wrong('now', 'must be a function that returns milliseconds')
  return { prefix, deadline, maxBytes, now, addresses: parseServers(servers) }
}

function isPrintable(text: string): boolean {
  return /^[!-~]*$/.test(text)
}

function wrong(option: string, why: string): StoreError {
  return new StoreError('config', `memcachedStore: ${option} ${why}`, { sent: false })
}

function errorOf({ reason }: PromiseRejectedResult): StoreError {
  return reason as StoreError
}

/** A wrong set-up says more than an outage, so its code is the one that counts. */
function unanswered(faults: readonly { name: string; error: StoreError }[]): StoreError {
  const said = faults.map(({ name, error }) => `${name} (${error.message})`)
  const errors = faults.map(({ error }) => error)
  const code = errors.find((error) => error.code !== 'unavailable')?.code ?? 'unavailable'
  const message = `No memcached: ${said.join(', ')}`
  return new StoreError(code, message, { sent: true, cause: new AggregateError(errors, message) })
}
