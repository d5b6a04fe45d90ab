import { describe, expect, it } from 'vitest'
import { memoryStore } from '@coatcheck/core/memory'
import type { SessionStore } from '@coatcheck/core'
import { describeRaces } from './describe-races.ts'
import type { RaceStore } from './describe-races.ts'
import { inEveryOrder } from './schedule.ts'

describeRaces('memoryStore', () => ({ store: memoryStore() }), { describe, it })

/** Runs the race tests without a test runner. Returns the sentences that the store breaks, with the errors. */
async function broken(create: () => RaceStore): Promise<Map<string, string>> {
  const tests: { readonly sentence: string; readonly fn: () => void | Promise<void> }[] = []
  describeRaces('planted', create, {
    describe: (_, fn) => fn(),
    it: (sentence, fn) => tests.push({ sentence, fn }),
  })
  const failures = new Map<string, string>()
  for (const { sentence, fn } of tests) {
    try {
      await fn()
    } catch (error) {
      failures.set(sentence, (error as Error).message)
    }
  }
  return failures
}

type Fault = (sound: SessionStore<number>) => Partial<SessionStore<number>>

function planted(fault: Fault): () => RaceStore {
  return () => {
    const sound = memoryStore()
    const store: SessionStore<number> = {
      inProcess: true,
      load: (...args) => sound.load(...args),
      create: (...args) => sound.create(...args),
      save: (...args) => sound.save(...args),
      delete: (...args) => sound.delete(...args),
      ...fault(sound),
    }
    return { store: store as SessionStore }
  }
}

describe('inEveryOrder', () => {
  it('runs each order of two processes with two commands each once: six', async () => {
    const orders: string[] = []
    const store = memoryStore() as SessionStore
    const schedules = await inEveryOrder(store, async (run, order) => {
      const twice = async (own: SessionStore): Promise<void> => {
        await own.load('a')
        await own.delete('a')
      }
      await run([twice, twice])
      orders.push(order())
    })
    expect(schedules).toBe(6)
    expect(new Set(orders).size).toBe(6)
    expect(orders[0]).toBe('A load, A delete, B load, B delete')
  })

  it('lets another process have a turn in a pause, and ends a pause in which none can', async () => {
    const orders: string[] = []
    const store = memoryStore() as SessionStore
    await inEveryOrder(store, async (run, order) => {
      await run([
        async (own, _, pause) => {
          await own.load('a')
          await pause()
          await own.delete('a')
          await pause()
        },
        (own) => own.load('b').then(() => {}),
      ])
      orders.push(order())
    })
    expect(orders).toEqual(['A load, B load, A delete', 'B load, A load, A delete'])
  })

  it('passes on what a process throws', async () => {
    const store = memoryStore() as SessionStore
    const fail = async (): Promise<void> => {
      throw new Error('the process failed')
    }
    await expect(inEveryOrder(store, (run) => run([fail]))).rejects.toThrow('the process failed')
  })
})

describe('describeRaces catches a store', () => {
  it('that saves whatever the version: updates are lost', async () => {
    const found = await broken(
      planted((sound) => ({
        async save(id, bytes, expiresAt) {
          const now = await sound.load(id)
          return now === null ? 'missing' : sound.save(id, bytes, expiresAt, now.version)
        },
      })),
    )
    expect([...found.keys()]).toEqual(
      expect.arrayContaining([
        'two requests that set different keys: both are kept',
        'three requests that count: three are counted',
        'one deletes a key while another sets one: the key stays deleted',
      ]),
    )
    expect(found.get('two requests that set different keys: both are kept')).toMatch(
      /The order was: A load/,
    )
  })

  it('whose save creates: ended sessions come back, and half a session after an eviction', async () => {
    const found = await broken(
      planted((sound) => ({
        async save(id, bytes, expiresAt, version) {
          const result = await sound.save(id, bytes, expiresAt, version)
          if (result !== 'missing') return result
          return (await sound.create(id, bytes, expiresAt)) ? 'saved' : 'conflict'
        },
      })),
    )
    expect([...found.keys()]).toEqual(
      expect.arrayContaining([
        'a logout while another request writes: nothing comes back to life',
        'an eviction while a request writes: the write is gone, and no half session is left',
      ]),
    )
  })

  it('whose delete does not look at the version: a logout leaves the new token of a move alive', async () => {
    const found = await broken(planted((sound) => ({ delete: (id) => sound.delete(id) })))
    expect([...found.keys()]).toEqual(
      expect.arrayContaining([
        'a logout while the session is renewed: neither token leads anywhere',
        'a logout while a token is rotated: neither token leads anywhere',
      ]),
    )
  })

  it('whose delete answers deleted and does nothing: a logout ends nothing', async () => {
    const found = await broken(planted(() => ({ delete: async () => 'deleted' })))
    expect([...found.keys()]).toContain(
      'a logout while another request reads: nothing comes back to life, no cookie is set',
    )
  })

  it('whose create overwrites, with few ids: two visitors share a session', async () => {
    const found = await broken(
      planted((sound) => {
        const few = (id: string): string => id.slice(0, 0)
        return {
          load: (id, expiresAt) => sound.load(few(id), expiresAt),
          async create(id, bytes, expiresAt) {
            await sound.delete(few(id))
            return sound.create(few(id), bytes, expiresAt)
          },
          save: (id, bytes, expiresAt, version) => sound.save(few(id), bytes, expiresAt, version),
          delete: (id, version) => sound.delete(few(id), version),
        }
      }),
    )
    expect([...found.keys()]).toContain(
      'two visitors without a cookie: two sessions, and neither sees the other',
    )
  })
})
