import type { AnyResolver, Failure, SessionStore } from '@coatcheck/core'
import { byKeyWith, createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { createNextSessions } from '@coatcheck/next'
import { valkeyStore } from '@coatcheck/valkey'
import { unavailablePage } from './unavailable.ts'

/** The API accepts any value under any key, so the data has no type. */
export const sessions = createNextSessions(() => {
  // Read when the first request comes: the build has none of these.
  const { EXPLAIN, SESSION_SECRETS } = process.env
  return createSessions({
    store: createStore(),
    ...(SESSION_SECRETS ? { secrets: SESSION_SECRETS.split(',') } : {}),
    cookie: { plainHttp: !isProduction() },
    explain: EXPLAIN === '1',
    merge: resolverOf,
    onFailure,
  })
})

export const { commit, getSession, handle } = sessions

function createStore(): SessionStore {
  const { MEMCACHE_SERVERS, VALKEY_URL } = process.env
  if (VALKEY_URL) return valkeyStore({ url: VALKEY_URL })
  return MEMCACHE_SERVERS ? memcachedStore({ servers: MEMCACHE_SERVERS }) : memoryStore()
}

/** Reads the environment when it runs: the build replaces `process.env.NODE_ENV` by a constant. */
function isProduction(): boolean {
  return Reflect.get(process.env, 'NODE_ENV') === 'production'
}

/** The API answers a request that a sign-out or a sign-in overtook as it saw the session. */
function onFailure({ outcome }: Failure): Response | void {
  if (outcome !== 'gone' && outcome !== 'moved') return unavailablePage()
}

/** Counters add up, the cart adds up item by item, and for any other key the later save wins. */
function resolverOf(key: string): AnyResolver | undefined {
  if (key === 'cart') return byKeyWith(sum)
  return key === 'visits' || key.startsWith('n_') ? sum : undefined
}
