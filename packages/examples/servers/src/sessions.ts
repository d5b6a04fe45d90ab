import { createSessions, sum } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'

/** What all recipes here share. */
export const sessions = createSessions<{ visits: number }>({
  store: memcachedStore(), // MEMCACHE_SERVERS, or localhost:11211
  secrets: (process.env['SESSION_SECRETS'] ?? '').split(','), // openssl rand -base64 32
  cookie: { plainHttp: process.env['NODE_ENV'] !== 'production' },
  merge: { visits: sum },
})

export const port = Number(process.env['PORT'] ?? 3000)
