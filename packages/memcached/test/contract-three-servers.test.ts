import { describeStore } from '@coatcheck/testing'
import { startMemcached } from '@coatcheck/harness/memcached'
import { afterAll, describe, it } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/settings.ts'

const nodes = await Promise.all(Array.from({ length: 3 }, () => startMemcached({ trace: false })))
afterAll(() => Promise.all(nodes.map((node) => node.kill())))

const servers = nodes.map(({ address }) => address)
// Many tests at the same time: it is not the deadline that is tested here.
const create = (options: MemcachedStoreOptions) => () => {
  const store = memcachedStore({ servers, deadline: 5000, ...options })
  return { store, close: () => store.close() }
}
const runner = { describe, it: it.concurrent }
const binary = create({ protocol: 'binary', distribution: 'ketama' })
const meta = create({ protocol: 'meta', asksSecond: true })
describeStore('memcachedStore on three servers, binary, by ketama', binary, runner)
describeStore('memcachedStore on three servers, meta, asking the second', meta, runner)
