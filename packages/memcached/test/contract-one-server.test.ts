import { startMemcached } from '@coatcheck/harness/memcached'
import { describeStore } from '@coatcheck/testing'
import { afterAll, describe, it } from 'vitest'
import type { Protocol } from '../src/protocol/detect.ts'
import { memcachedStore } from '../src/store/memcached-store.ts'

const memcached = await startMemcached({ trace: false })
afterAll(() => memcached.kill())

// The tests run in parallel, and the deadline is not what they test.
const create = (protocol: Protocol | 'auto', connections?: 'per-request') => () => {
  const more = connections === undefined ? {} : { connections }
  const store = memcachedStore({ servers: memcached.address, protocol, deadline: 5000, ...more })
  return { store, close: () => store.close() }
}
const runner = { describe, it: it.concurrent }
describeStore('memcachedStore, binary', create('binary'), runner)
describeStore('memcachedStore, meta', create('meta'), runner)
describeStore('memcachedStore that asks for the protocol', create('auto'), runner)
describeStore(
  'memcachedStore with connections of each request',
  create('binary', 'per-request'),
  runner,
)
