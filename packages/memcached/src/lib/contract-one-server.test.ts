import { describeStore } from '@coatcheck/core/testing'
import { startMemcached } from '@coatcheck/testkit/memcached'
import { afterAll, describe, it } from 'vitest'
import { memcachedStore } from './memcached-store.ts'

const nodes = [await startMemcached()]
afterAll(() => Promise.all(nodes.map((node) => node.kill())))

const servers = nodes.map(({ address }) => address)
// Many tests at the same time: it is not the deadline that is tested here.
const create = () => {
  const store = memcachedStore({ servers, deadline: 5000 })
  return { store, close: () => store.close() }
}
describeStore('memcachedStore', create, { describe, it: it.concurrent })
