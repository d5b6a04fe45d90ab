import { memoryStore } from '@coatcheck/core/memory'
import { describeRaces } from '@coatcheck/testing'
import { memcachedStore } from '@coatcheck/memcached'
import { valkeyStore } from '@coatcheck/valkey'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { startValkey } from '@coatcheck/harness/valkey'
import type { ValkeyProcess } from '@coatcheck/harness/valkey'
import { afterAll, beforeAll, describe, it } from 'vitest'

let memcached: MemcachedProcess
let valkey: ValkeyProcess
beforeAll(async () => {
  memcached = await startMemcached({ trace: false })
  valkey = await startValkey()
})
afterAll(async () => {
  await memcached.kill()
  await valkey.end()
})

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

describeRaces(
  'valkeyStore',
  () => {
    const connect = () => valkeyStore({ url: valkey.address, deadline: 5000 })
    const stores = [connect()]
    return {
      store: stores[0]!,
      another() {
        const store = connect()
        stores.push(store)
        return store
      },
      evict: async (id) => void (await valkey.ask('del', `coatcheck:${id}`)),
      close() {
        for (const store of stores) store.close()
      },
    }
  },
  { describe, it },
)
