export { memoryStore } from './lib/memory-store.ts'
export type { MemoryStore, MemoryStoreOptions } from './lib/memory-store.ts'
