import { startMemcached } from '@coatcheck/harness/memcached'
import { describeStore } from '@coatcheck/testing'
import { afterAll, describe, it } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'

const processes = await Promise.all(
  Array.from({ length: 3 }, () => startMemcached({ trace: false })),
)
afterAll(() => Promise.all(processes.map((memcached) => memcached.kill())))

const servers = processes.map(({ address }) => address)
// The tests run in parallel, and the deadline is not what they test.
const create = (options: MemcachedStoreOptions) => () => {
  const store = memcachedStore({ servers, deadline: 5000, ...options })
  return { store, close: () => store.close() }
}
const runner = { describe, it: it.concurrent }
const binary = create({ protocol: 'binary', distribution: 'ketama' })
const meta = create({ protocol: 'meta', asksSecond: true })
describeStore('memcachedStore on three servers, binary, by ketama', binary, runner)
describeStore('memcachedStore on three servers, meta, asking the second', meta, runner)
