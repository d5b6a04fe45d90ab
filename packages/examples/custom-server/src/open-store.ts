import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { valkeyStore } from '@coatcheck/valkey'

/** The store of the sessions. */
export interface OpenedStore {
  readonly store: SessionStore
  /** For the line that the server prints. */
  readonly name: string
  /** Rejects with an error that says which servers do not answer. */
  readonly check: () => Promise<void>
  readonly close: () => void
}

/** Where the store is; in memory if it is nowhere. */
export interface StorePlace {
  /** Memcached servers, separated by commas. */
  readonly servers: string | null
  /** The url of a Valkey or Redis. */
  readonly valkey: string | null
}

/** Throws if a list of servers or a url is wrong. */
export function openStore({ servers, valkey }: StorePlace): OpenedStore {
  if (valkey !== null) return openValkey(valkey)
  if (servers !== null) {
    const store = memcachedStore({ servers })
    return { store, name: `memcached, ${servers}`, check: store.check, close: store.close }
  }
  return { store: memoryStore(), name: 'memory', check: async () => {}, close: () => {} }
}

function openValkey(url: string): OpenedStore {
  const store = valkeyStore({ url })
  const check = async (): Promise<void> => {
    const { warnings } = await store.check()
    for (const warning of warnings) console.warn(warning)
  }
  // The url may have a password.
  return { store, name: 'Valkey', check, close: store.close }
}
