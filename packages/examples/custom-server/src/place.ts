import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'

/** Where the sessions are kept. */
export interface Place {
  readonly store: SessionStore
  /** For people. */
  readonly name: string
  /** Rejects with an error that says which servers do not answer. */
  readonly check: () => Promise<void>
  readonly close: () => void
}

/** Throws when the servers are not given as they must be. */
export function openPlace(servers: string | null): Place {
  if (servers === null) {
    return { store: memoryStore(), name: 'memory', check: async () => {}, close: () => {} }
  }
  // Four times the default: the machine that tries this out may build and browse as well.
  const store = memcachedStore({ servers, deadline: 1000 })
  return { store, name: `memcached, ${servers}`, check: store.check, close: store.close }
}
