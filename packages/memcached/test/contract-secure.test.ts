import { describeStore } from '@coatcheck/testing'
import { afterAll, describe, it } from 'vitest'
import { memcachedStore } from '../src/store/memcached-store.ts'
import type { MemcachedStoreOptions } from '../src/store/store-options.ts'
import { startTlsServer, startUnixServer } from './real-server.ts'

const [tls, unix] = await Promise.all([startTlsServer(), startUnixServer()])
afterAll(() => Promise.all([tls.end(), unix.end()]))

// The tests run in parallel, and the deadline is not what they test.
const create = (options: MemcachedStoreOptions) => () => {
  const store = memcachedStore({ deadline: 5000, connectDeadline: 5000, ...options })
  return { store, close: () => store.close() }
}
const runner = { describe, it: it.concurrent }
const overTls = { servers: tls.address, tls: { ca: tls.ca } }
const overUnix = { servers: unix.address }
describeStore('memcachedStore over TLS, binary', create({ ...overTls, protocol: 'binary' }), runner)
describeStore('memcachedStore over TLS, meta', create({ ...overTls, protocol: 'meta' }), runner)
describeStore('memcachedStore over unix', create({ ...overUnix, protocol: 'auto' }), runner)
