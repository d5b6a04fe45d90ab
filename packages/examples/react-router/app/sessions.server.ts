import type { AnyResolver } from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'

const { EXPLAIN, MEMCACHE_SERVERS, NODE_ENV, SESSION_SECRETS } = process.env
const production = NODE_ENV === 'production'

// Four times the default: the machine that tries this out may build and browse as well.
const store = MEMCACHE_SERVERS
  ? memcachedStore({ servers: MEMCACHE_SERVERS, deadline: 1000 })
  : memoryStore()

/** The API lets everybody put anything under any key, so nothing more is known of the data. */
export const sessions = createSessions({
  store,
  ...readSecrets(),
  cookie: { plainHttp: !production },
  explain: EXPLAIN === '1',
  merge: resolverOf,
})

/** Counters add up, the cart adds up item by item, and of anything else the later save wins. */
function resolverOf(key: string): AnyResolver | undefined {
  if (key === 'cart') return byKeyWith(sum)
  return key === 'visits' || key.startsWith('n_') ? sum : undefined
}

/** In production createSessions insists on secrets; for a look around it does without. */
function readSecrets(): { secrets?: readonly string[] | 'none' } {
  if (SESSION_SECRETS) return { secrets: SESSION_SECRETS.split(',') }
  return production ? {} : { secrets: 'none' }
}
