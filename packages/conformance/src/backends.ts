import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe } from 'vitest'
import type { SessionStore } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { engines } from './engines.ts'
import type { Engine, EngineServer } from './engines.ts'
import { openStore } from './open-store.ts'
import type { OpenedStore } from './open-store.ts'

/** A store under test, with direct access for tests. */
export interface Backend {
  readonly store: SessionStore
  readonly now: () => number
  /** A store with the same records, as another process would open it. */
  readonly another: () => SessionStore
  /** The number of commands that the store has received. */
  readonly commands: () => Promise<number>
  /** The number of records. */
  readonly size: () => Promise<number>
  /** Removes a record, like an eviction. */
  readonly evict: (id: string) => Promise<void>
  /** Removes all records. */
  readonly flush: () => Promise<void>
  /** The keys and values of all records on the server; `null`: there is no server. */
  readonly dump: () => Promise<readonly (readonly [key: string, value: string])[] | null>
  /** Lets time pass. */
  readonly pass: (milliseconds: number) => Promise<void>
  /** Seconds until a record expires, by the server's clock; `null`: there is no record or no server. */
  readonly ttl: (id: string) => Promise<number | null>
}

/** Describes one behaviour on memory, on a real memcached, and on a real Valkey or Redis. */
export function describeOnAll(name: string, define: (backend: Backend) => void): void {
  describe(`${name}, on memory`, () => {
    define(memoryBackend())
  })
  for (const engine of engines) {
    describe(`${name}, on ${engine.name}`, () => {
      define(serverBackend(engine))
    })
  }
}

/** Waits for some turns of the event loop, like a network would, so that requests overtake each other. */
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
    dump: async () => null,
    ttl: async () => null,
  }
}

/** The stores on one server: that of the tests, and others as opened by other processes. `close` closes them all. */
function storesOf(open: () => OpenedStore): {
  readonly store: SessionStore
  readonly another: () => SessionStore
  readonly close: () => void
} {
  const stores: OpenedStore[] = []
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

function serverBackend({ name, start }: Engine): Backend {
  let started: EngineServer | undefined
  const server = (): EngineServer => {
    if (started === undefined) throw new Error(`${name} is started by the hooks`)
    return started
  }
  const { store, another, close } = storesOf(() => openStore(server().url, { deadline: 2000 }))
  beforeAll(async () => void (started = await start()))
  afterAll(async () => {
    close()
    await started?.end()
  })
  return {
    store,
    now: Date.now,
    another,
    commands: () => server().commands(),
    size: async () => (await server().keys()).length,
    evict: async (id) => void (await server().evict(`coatcheck:${id}`)),
    flush: async () => void (await server().flush()),
    async dump() {
      const keys = await server().keys()
      return Promise.all(keys.map(async (key) => [key, await server().value(key)] as const))
    },
    pass: (milliseconds) => sleep(milliseconds),
    ttl: (id) => server().ttl(`coatcheck:${id}`),
  }
}
