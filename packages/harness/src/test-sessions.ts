import { createSessions, sum } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'

/** Sessions on a store that counts its round trips and can be down. */
export function createTestSessions() {
  const records = memoryStore()
  const store = { ...records, trips: 0, isDown: false }
  const reach = <result>(call: () => Promise<result>): Promise<result> => {
    store.trips += 1
    return store.isDown ? Promise.reject(new Error('The store is down')) : call()
  }
  const sessions = createSessions<Record<string, unknown>>({
    store: {
      load: (...args) => reach(() => records.load(...args)),
      create: (...args) => reach(() => records.create(...args)),
      save: (id, bytes, at, version) => reach(() => records.save(id, bytes, at, version as number)),
      delete: (id, version) => reach(() => records.delete(id, version as number)),
    },
    namespace: 'test',
    merge: (key) => (key === 'visits' ? sum : undefined),
    cookie: { plainHttp: true },
    onEvent: () => {},
  })
  return { store, sessions }
}
