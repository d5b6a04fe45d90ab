import type { SessionStore, StoredRecord } from '@coatcheck/core'

/** Faults that a store or client can have. */
export type StoreFault =
  'blind set' | 'save creates' | 'stale reads' | 'drops a save' | 'late delete'

/** Adds a fault to a correct store. */
export function faultyStore<version>(
  sound: SessionStore<version>,
  fault: StoreFault,
): SessionStore<version> {
  return { ...bound(sound), ...faults[fault](sound) }
}

function bound<version>(store: SessionStore<version>): SessionStore<version> {
  return {
    load: (...args) => store.load(...args),
    create: (...args) => store.create(...args),
    save: (...args) => store.save(...args),
    delete: (...args) => store.delete(...args),
  }
}

type MakeFault = <version>(sound: SessionStore<version>) => Partial<SessionStore<version>>

const blindSet: MakeFault = (sound) => ({
  async save(id, bytes, expiresAt) {
    for (;;) {
      const found = await sound.load(id)
      if (found === null) return 'missing'
      const result = await sound.save(id, bytes, expiresAt, found.version)
      if (result !== 'conflict') return result
    }
  },
})

const saveCreates: MakeFault = (sound) => ({
  async save(id, bytes, expiresAt, version) {
    const result = await sound.save(id, bytes, expiresAt, version)
    if (result !== 'missing') return result
    return (await sound.create(id, bytes, expiresAt)) ? 'saved' : 'conflict'
  },
})

/** Answers from memory for a few milliseconds, like a cache in front of the store. */
const staleReads: MakeFault = <version>(sound: SessionStore<version>) => {
  const cache = new Map<
    string,
    { readonly found: StoredRecord<version> | null; readonly until: number }
  >()
  return {
    async load(id: string, expiresAt?: number) {
      const known = cache.get(id)
      if (known !== undefined && performance.now() < known.until) return known.found
      const found = await sound.load(id, expiresAt)
      cache.set(id, { found, until: performance.now() + 10 })
      return found
    },
  }
}

const dropsASave: MakeFault = (sound) => {
  let saves = 0
  return {
    save: async (id, bytes, expiresAt, version) =>
      ++saves % 100 === 0 ? 'saved' : sound.save(id, bytes, expiresAt, version),
  }
}

/** Reports success before it has started. */
const lateDelete: MakeFault = (sound) => ({
  async delete(id, version) {
    setTimeout(() => void sound.delete(id, version).catch(() => {}), 200)
    return 'deleted'
  },
})

const faults: Readonly<Record<StoreFault, MakeFault>> = {
  'blind set': blindSet,
  'save creates': saveCreates,
  'stale reads': staleReads,
  'drops a save': dropsASave,
  'late delete': lateDelete,
}
