import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'

/** The store of the sessions. */
export interface OpenedStore {
  readonly store: SessionStore
  /** For the line that the server prints. */
  readonly name: string
  /** Rejects with an error that says which servers do not answer. */
  readonly check: () => Promise<void>
  readonly close: () => void
}

/** `null`: in memory. Throws if the list of servers is wrong. */
export function openStore(servers: string | null): OpenedStore {
  if (servers === null) {
    return { store: memoryStore(), name: 'memory', check: async () => {}, close: () => {} }
  }
  const store = memcachedStore({ servers })
  return { store, name: `memcached, ${servers}`, check: store.check, close: store.close }
}
