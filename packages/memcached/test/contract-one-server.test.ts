import { describeStore } from '@coatcheck/testing'
import { startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, describe, it } from 'vitest'
import type { Protocol } from '../src/protocol/detect.ts'
import { memcachedStore } from '../src/store/memcached-store.ts'

const node = await startMemcached({ trace: false })
afterAll(() => node.kill())

// Many tests at the same time: it is not the deadline that is tested here.
const create = (protocol: Protocol | 'auto') => () => {
  const store = memcachedStore({ servers: node.address, protocol, deadline: 5000 })
  return { store, close: () => store.close() }
}
const runner = { describe, it: it.concurrent }
describeStore('memcachedStore, binary', create('binary'), runner)
describeStore('memcachedStore, meta', create('meta'), runner)
describeStore('memcachedStore that asks for the protocol', create('auto'), runner)
