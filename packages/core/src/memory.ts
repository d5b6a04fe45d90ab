export { memoryStore } from './store/memory-store.ts'
export type { MemoryStore, MemoryStoreOptions } from './store/memory-store.ts'
