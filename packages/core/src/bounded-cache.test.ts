import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BoundedCache } from './bounded-cache.ts'
import type { CacheLimits } from './bounded-cache.ts'

const limits: CacheLimits = { entries: 3, size: 100, age: 1000 }

function open(more: Partial<CacheLimits> = {}) {
  const clock = { now: 1_700_000_000_000 }
  const cache = new BoundedCache<string>({ ...limits, ...more }, () => clock.now)
  const keys = ['a', 'b', 'c', 'd']
  const held = (): string[] => keys.filter((key) => cache.get(key) !== undefined)
  return { cache, clock, held }
}

describe('a bounded cache', () => {
  it('gives what was put under a key last', () => {
    const { cache } = open()
    cache.set('a', 'one', 1)
    cache.set('a', 'two', 1)
    expect([cache.get('a'), cache.get('b'), cache.count]).toEqual(['two', undefined, 1])
    cache.delete('a')
    cache.delete('a')
    expect([cache.get('a'), cache.count]).toEqual([undefined, 0])
  })

  it('drops the least recently used when there are too many', () => {
    const { cache, held } = open()
    for (const key of ['a', 'b', 'c']) cache.set(key, key, 1)
    cache.get('a')
    cache.set('d', 'd', 1)
    expect(held()).toEqual(['a', 'c', 'd'])
  })

  it('drops the least recently used when they are too large together', () => {
    const { cache, held } = open()
    cache.set('a', 'a', 50)
    cache.set('b', 'b', 50)
    expect(held()).toEqual(['a', 'b'])
    cache.set('c', 'c', 51)
    expect(held()).toEqual(['c'])
  })

  it('does not take what is too large alone, and forgets what was there', () => {
    const { cache, held } = open()
    cache.set('a', 'a', 1)
    cache.set('b', 'b', 1)
    cache.set('a', 'A', 101)
    expect(held()).toEqual(['b'])
    cache.set('c', 'c', 100)
    expect(held()).toEqual(['c'])
  })

  it('drops what was not used for a while, when it is used again', () => {
    const { cache, clock } = open()
    cache.set('a', 'a', 1)
    cache.set('b', 'b', 1)
    clock.now += 999
    expect(cache.get('a')).toBe('a')
    clock.now += 1
    expect(cache.get('a')).toBe('a')
    expect(cache.count).toBe(1)
    clock.now += 1000
    expect(cache.get('a')).toBeUndefined()
    cache.set('c', 'c', 1)
    expect(cache.count).toBe(1)
  })

  it('never holds more than its limits, whatever is done', () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), size: fc.nat(120) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { cache } = open()
        const sizes = new Map<string, number>()
        for (const { key, size } of steps) {
          cache.set(key, key, size)
          sizes.set(key, size)
          const held = [...sizes.keys()].filter((each) => cache.get(each) !== undefined)
          expect(held.length).toBe(cache.count)
          expect(held.length).toBeLessThanOrEqual(limits.entries)
          const total = held.reduce((sum, each) => sum + (sizes.get(each) as number), 0)
          expect(total).toBeLessThanOrEqual(limits.size)
          expect(held.includes(key)).toBe(size <= limits.size)
        }
      }),
    )
  })
})
