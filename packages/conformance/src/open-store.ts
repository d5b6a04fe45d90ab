import type { SessionStore } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { valkeyStore } from '@coatcheck/valkey'

/** A store on a server. */
export interface OpenedStore extends SessionStore {
  check(): Promise<unknown>
  close(): void
}

export interface OpenOptions {
  /** Milliseconds. */
  readonly deadline?: number
  readonly now?: () => number
}

/** Connects to an engine's server: `valkey://` and its address, or the address of a memcached. */
export function openStore(url: string, options: OpenOptions = {}): OpenedStore {
  if (url.startsWith('valkey://')) return valkeyStore({ url, ...options })
  return memcachedStore({ servers: url, ...options })
}
