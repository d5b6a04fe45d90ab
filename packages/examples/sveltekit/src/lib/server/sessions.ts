import type { AnyResolver } from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'

const { EXPLAIN, MEMCACHE_SERVERS, NODE_ENV } = process.env

const store = MEMCACHE_SERVERS ? memcachedStore({ servers: MEMCACHE_SERVERS }) : memoryStore()

/** The API lets everybody put anything under any key, so nothing more is known of the data. */
export const sessions = createSessions({
  store,
  cookie: { plainHttp: NODE_ENV !== 'production' },
  explain: EXPLAIN === '1',
  merge: resolverOf,
})

/** Counters add up, the cart adds up item by item, and of anything else the later save wins. */
function resolverOf(key: string): AnyResolver | undefined {
  if (key === 'cart') return byKeyWith(sum)
  return key === 'visits' || key.startsWith('n_') ? sum : undefined
}

// A connection to memcached would keep the process from ending.
process.once('SIGTERM', () => 'close' in store && store.close())
