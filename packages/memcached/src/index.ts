export { StoreError } from './lib/errors.ts'
export type { StoreErrorCode } from './lib/errors.ts'
export { memcachedStore } from './lib/memcached-store.ts'
export type { MemcachedStore, MemcachedStoreOptions } from './lib/memcached-store.ts'
