import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { memcachedStore } from '@coatcheck/memcached'
import { valkeyStore } from '@coatcheck/valkey'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import { startValkey } from '@coatcheck/harness/valkey'
import type { ValkeyProcess } from '@coatcheck/harness/valkey'

/** A store to test against, and what a test may do to it directly. */
export interface Backend {
  readonly store: SessionStore
  readonly now: () => number
  /** The same records as another process would reach them. */
  readonly another: () => SessionStore
  /** How many commands the store has had. */
  readonly commands: () => Promise<number>
  /** How many records there are. */
  readonly size: () => Promise<number>
  /** Forgets a record, as an eviction does. */
  readonly evict: (id: string) => Promise<void>
  /** Forgets all of them. */
  readonly flush: () => Promise<void>
  /** Lets time pass. */
  readonly pass: (milliseconds: number) => Promise<void>
  /** The memcached behind it; `null` in memory and on Valkey. */
  readonly memcached: MemcachedProcess | null
}

/** Describes one behaviour on memory, on a real memcached, and on a real Valkey or Redis. */
export function describeOnAll(name: string, define: (backend: Backend) => void): void {
  describeOnBoth(name, define)
  describe(`${name}, on Valkey`, () => {
    define(valkeyBackend())
  })
}

/** Describes one behaviour twice: on memory, and on a real memcached. */
export function describeOnBoth(name: string, define: (backend: Backend) => void): void {
  describe(`${name}, on memory`, () => {
    define(memoryBackend())
  })
  describe(`${name}, on memcached`, () => {
    define(memcachedBackend())
  })
}

/** Waits for turns of the event loop, as a network would, so that requests overtake each other. */
async function delay(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
}

function memoryBackend(): Backend {
  let clock = Date.now()
  let commands = 0
  const now = (): number => clock
  let records: SessionStore & { readonly size: number } = memoryStore({ now })
  const travel = async <result>(command: () => Promise<result>): Promise<result> => {
    commands++
    await delay(commands % 3)
    const result = await command()
    await delay(commands % 4)
    return result
  }
  const store: SessionStore = {
    load: (...args) => travel(() => records.load(...args)),
    create: (...args) => travel(() => records.create(...args)),
    save: (...args) => travel(() => records.save(...args)),
    delete: (...args) => travel(() => records.delete(...args)),
  }
  return {
    store,
    now,
    another: () => store,
    commands: async () => commands,
    size: async () => records.size,
    evict: async (id) => void (await records.delete(id)),
    flush: async () => void (records = memoryStore({ now })),
    pass: async (milliseconds) => void (clock += milliseconds),
    memcached: null,
  }
}

/** The stores of one server: those of the tests, and further ones as other processes have them. All close with `close`. */
function storesOf(open: () => ClosingStore): {
  readonly store: SessionStore
  readonly another: () => SessionStore
  readonly close: () => void
} {
  const stores: ClosingStore[] = []
  const another = (): SessionStore => {
    const store = open()
    stores.push(store)
    return store
  }
  let first: SessionStore | undefined
  const store = (): SessionStore => (first ??= another())
  return {
    store: {
      load: (...args) => store().load(...args),
      create: (...args) => store().create(...args),
      save: (...args) => store().save(...args),
      delete: (...args) => store().delete(...args),
    },
    another,
    close() {
      for (const each of stores) each.close()
    },
  }
}

type ClosingStore = SessionStore & { readonly close: () => void }

function memcachedBackend(): Backend {
  let memcached: MemcachedProcess | undefined
  const server = (): MemcachedProcess => {
    if (memcached === undefined) throw new Error('memcached is started by the hooks')
    return memcached
  }
  const { store, another, close } = storesOf(() =>
    memcachedStore({ servers: server().address, deadline: 2000 }),
  )
  beforeAll(async () => void (memcached = await startMemcached()))
  afterAll(async () => {
    close()
    await memcached?.kill()
  })
  return {
    store,
    now: Date.now,
    another,
    commands: async () => (await server().commands()).total,
    size: async () => (await server().keys()).length,
    evict: async (id) => void (await server().evict(`coatcheck:${id}`)),
    flush: () => server().flush(),
    pass: (milliseconds) => sleep(milliseconds),
    get memcached() {
      return server()
    },
  }
}

/** What the store sends. A script runs GETRANGE and one of them; one that finds another version is not counted. */
const sent = ['get', 'getex', 'set', 'del', 'evalsha', 'eval'] as const

function valkeyBackend(): Backend {
  let valkey: ValkeyProcess | undefined
  const server = (): ValkeyProcess => {
    if (valkey === undefined) throw new Error('Valkey is started by the hooks')
    return valkey
  }
  const { store, another, close } = storesOf(() =>
    valkeyStore({ url: server().address, deadline: 2000 }),
  )
  beforeAll(async () => void (valkey = await startValkey()))
  afterAll(async () => {
    close()
    await valkey?.end()
  })
  return {
    store,
    now: Date.now,
    another,
    async commands() {
      const counts = await server().commands()
      const total = sent.reduce((sum, name) => sum + (counts[name] ?? 0), 0)
      return total - (counts['getrange'] ?? 0)
    },
    size: async () => Number(await server().ask('dbsize')),
    evict: async (id) => void (await server().ask('del', `coatcheck:${id}`)),
    flush: async () => void (await server().ask('flushall')),
    pass: (milliseconds) => sleep(milliseconds),
    memcached: null,
  }
}
