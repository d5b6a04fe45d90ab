import { memoryStore } from '@coatcheck/core/memory'
import { describeRaces } from '@coatcheck/testing'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { afterAll, beforeAll, describe, it } from 'vitest'

let memcached: MemcachedProcess
beforeAll(async () => void (memcached = await startMemcached({ trace: false })))
afterAll(() => memcached.kill())

describeRaces('memoryStore', () => ({ store: memoryStore() }), { describe, it })

describe.each(['shared', 'per-request'] as const)('with connections: %s', (connections) => {
  describeRaces(
    'memcachedStore',
    () => {
      const connect = () =>
        memcachedStore({ servers: memcached.address, deadline: 5000, connections })
      const stores = [connect()]
      return {
        store: stores[0]!,
        another() {
          const store = connect()
          stores.push(store)
          return store
        },
        evict: async (id) => void (await memcached.evict(`coatcheck:${id}`)),
        close() {
          for (const store of stores) store.close()
        },
      }
    },
    { describe, it },
  )
})
