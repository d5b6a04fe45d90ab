import type { AnyResolver, SessionStore } from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { valkeyStore } from '@coatcheck/valkey'
import { building } from '$app/env'

const { EXPLAIN, MEMCACHE_SERVERS, NODE_ENV, SESSION_SECRETS, VALKEY_URL } = process.env
const production = NODE_ENV === 'production'

// `vite dev` runs this file again after an edit: the store and its connection stay.
const kept = globalThis as { sessionStore?: SessionStore }
const store = (kept.sessionStore ??= createStore())

/** The API accepts any value under any key, so the data has no type of its own. */
export const sessions = createSessions({
  store,
  namespace: 'example',
  ...readSecrets(),
  cookie: { plainHttp: !production },
  explain: EXPLAIN === '1',
  merge: resolverOf,
})

/** Adds up counters, and the cart item by item. For other keys the later save wins. */
function resolverOf(key: string): AnyResolver | undefined {
  if (key === 'cart') return byKeyWith(sum)
  return key === 'visits' || key.startsWith('n_') ? sum : undefined
}

/** `createSessions` requires secrets in production. Development works without. */
function readSecrets(): { secrets?: readonly string[] | 'none' } {
  if (SESSION_SECRETS) return { secrets: SESSION_SECRETS.split(',') }
  return production ? {} : { secrets: 'none' }
}

function createStore(): SessionStore {
  // The build runs this file too, without secrets and without a store.
  if (building) return memoryStore()
  if (VALKEY_URL) return valkeyStore({ url: VALKEY_URL })
  if (!MEMCACHE_SERVERS) return memoryStore()
  const memcached = memcachedStore({ servers: MEMCACHE_SERVERS })
  // A connection to memcached would keep the process from ending.
  process.once('SIGTERM', () => memcached.close())
  return memcached
}
