import { startValkey } from '@coatcheck/harness/valkey'
import { describeStore } from '@coatcheck/testing'
import { Redis } from 'ioredis'
import { afterAll, describe, it } from 'vitest'
import { valkeyStore } from '../src/store/valkey-store.ts'
import type { ValkeyStoreOptions } from '../src/store/store-options.ts'

const valkey = await startValkey()
const client = new Redis(valkey.port, '127.0.0.1', { lazyConnect: true, keyPrefix: 'ignored:' })
afterAll(async () => {
  client.disconnect()
  await valkey.end()
})

// The tests run in parallel, and the deadline is not what they test.
const create = (options: ValkeyStoreOptions) => () => {
  const store = valkeyStore({ deadline: 5000, ...options })
  return { store, close: () => store.close() }
}
const runner = { describe, it: it.concurrent }
describeStore('valkeyStore of a url', create({ url: `valkey://${valkey.address}` }), runner)
describeStore('valkeyStore of a client of ioredis', create({ client }), runner)
