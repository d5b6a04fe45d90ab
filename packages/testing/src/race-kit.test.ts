import { describe, expect, it } from 'vitest'
import { memoryStore } from '@coatcheck/core/memory'
import type { SessionStore } from '@coatcheck/core'
import { describeRaces } from './race-kit.ts'
import type { RacersUnderTest } from './race-kit.ts'
import { inEveryOrder } from './race-kit-turnstile.ts'

describeRaces('memoryStore', () => ({ store: memoryStore() }), { describe, it })

/** Runs the kit without a test runner; the sentences that the store breaks, and how. */
async function broken(create: () => RacersUnderTest): Promise<Map<string, string>> {
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

function planted(fault: Fault): () => RacersUnderTest {
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
  it('plays each order of two players with two commands each once: six', async () => {
    const paths: string[] = []
    const store = memoryStore() as SessionStore
    const rounds = await inEveryOrder(store, async (play, path) => {
      const twice = async (own: SessionStore): Promise<void> => {
        await own.load('a')
        await own.delete('a')
      }
      await play([twice, twice])
      paths.push(path())
    })
    expect(rounds).toBe(6)
    expect(new Set(paths).size).toBe(6)
    expect(paths[0]).toBe('A load, A delete, B load, B delete')
  })

  it('passes on what a player throws', async () => {
    const store = memoryStore() as SessionStore
    const fail = async (): Promise<void> => {
      throw new Error('the player failed')
    }
    await expect(inEveryOrder(store, (play) => play([fail]))).rejects.toThrow('the player failed')
  })
})

describe('the race kit catches a store', () => {
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

  it('whose save creates: the dead come back, and half a session after an eviction', async () => {
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
        'a login (renew) while another request writes: the old token is dead, and no data are lost',
        'an eviction while a request writes: the write is gone, and no half session is left',
      ]),
    )
  })

  it('whose delete does not look at the version: a renewal loses writes', async () => {
    const found = await broken(planted((sound) => ({ delete: (id) => sound.delete(id) })))
    expect([...found.keys()]).toContain(
      'a login (renew) while another request writes: the old token is dead, and no data are lost',
    )
  })

  it('whose delete says it is done, and does nothing: a logout ends nothing', async () => {
    const found = await broken(planted(() => ({ delete: async () => 'deleted' })))
    expect([...found.keys()]).toContain(
      'a logout while another request reads: nothing comes back to life, no cookie is set',
    )
  })

  it('whose create overwrites, ids being few: two visitors share a session', async () => {
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
