import type { AnyResolver } from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { createNextSessions } from '@coatcheck/next'

/** The API lets everybody put anything under any key, so nothing more is known of the data. */
export const sessions = createNextSessions(() => {
  // Not until a session is asked for: the build has none of these.
  const { EXPLAIN, MEMCACHE_SERVERS, SESSION_SECRETS } = process.env
  // Four times the default: the machine that tries this out may build and browse as well.
  const store = MEMCACHE_SERVERS
    ? memcachedStore({ servers: MEMCACHE_SERVERS, deadline: 1000 })
    : memoryStore()
  return createSessions({
    store,
    ...(SESSION_SECRETS ? { secrets: SESSION_SECRETS.split(',') } : {}),
    cookie: { plainHttp: !isProduction() },
    explain: EXPLAIN === '1',
    merge: resolverOf,
  })
})

export const { commit, getSession, handle } = sessions

/** As it is now: of `process.env.NODE_ENV` the build would make its own. */
function isProduction(): boolean {
  return Reflect.get(process.env, 'NODE_ENV') === 'production'
}

/** Counters add up, the cart adds up item by item, and of anything else the later save wins. */
function resolverOf(key: string): AnyResolver | undefined {
  if (key === 'cart') return byKeyWith(sum)
  return key === 'visits' || key.startsWith('n_') ? sum : undefined
}
