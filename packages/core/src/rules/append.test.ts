import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diff, merge } from './diff-and-merge.ts'
import type { Blocks } from './diff-and-merge.ts'
import { append, appendUpTo } from './resolvers.ts'
import type { AnyResolver } from './resolvers.ts'
import { settleWith } from '../data/resolve-keys.ts'
import { decodeValue, encodeValue } from '../data/value.ts'

type List = readonly unknown[]
type Edit = (list: List) => List

const blocksOf = (list: List): Blocks => new Map([['k', encodeValue('k', list)]])
const listOf = (blocks: Blocks): List => decodeValue('k', blocks.get('k')!) as List

/** Savers of one list through the real merge. `order` names each twice: first it loads, then it saves. */
function race(resolver: AnyResolver, start: List, edits: readonly Edit[], order: number[]): List {
  const settle = settleWith(() => resolver)
  const loads = new Map<number, Blocks>()
  let stored = blocksOf(start)
  for (const saver of order) {
    const base = loads.get(saver)
    if (base === undefined) loads.set(saver, stored)
    else stored = merge(base, diff(base, blocksOf(edits[saver]!(listOf(base)))), stored, settle)
  }
  return listOf(stored)
}

function orders(savers: number): fc.Arbitrary<number[]> {
  const twice = Array.from({ length: savers * 2 }, (_, at) => at % savers)
  return fc.shuffledSubarray(twice, { minLength: twice.length })
}

const RUNS = { numRuns: 300 }
/** Few different ones, so that they repeat. */
const items = fc.array(fc.constantFrom('hat', 'coat', 1, { id: 1 }), { maxLength: 6 })
const count = (list: List, item: string): number => list.filter((each) => each === item).length

describe('append', () => {
  it.each<[string, List | undefined, List | undefined, List | undefined, List | undefined]>([
    ['both append', ['a'], ['a', 'b'], ['a', 'c'], ['a', 'c', 'b']],
    ['both append the same', ['a'], ['a', 'a'], ['a', 'a'], ['a', 'a', 'a']],
    ['both begin the list', undefined, ['a'], ['b'], ['b', 'a']],
    ['we take off the front, they append', ['a', 'b'], ['b'], ['a', 'b', 'c'], ['b', 'c']],
    ['they take off the front, we append', ['a', 'b'], ['a', 'b', 'c'], ['b'], ['b', 'c']],
    ['both take off the front', ['a', 'b', 'c'], ['c', 'd'], ['b', 'c'], ['c', 'd']],
    ['we empty, they append', ['a'], [], ['a', 'b'], ['b']],
    ['we delete, they append', ['a'], undefined, ['a', 'b'], ['b']],
    ['we delete, they empty', ['a'], undefined, [], undefined],
    ['they delete, we append', ['a'], ['a', 'b'], undefined, ['b']],
    [
      'they change another way, we append',
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'x'],
      ['a', 'x', 'c'],
    ],
    ['elements are equal by value', [{ n: 1 }], [{ n: 1 }, 2], [{ n: 1 }, 3], [{ n: 1 }, 3, 2]],
  ])('law: %s', (_name, base, ours, theirs, merged) => {
    expect(append<List>({ base, ours, theirs })).toEqual(merged)
  })

  it('H4, law: no push is lost, and none comes twice, in every order of loads and saves', () => {
    const world = fc.integer({ min: 1, max: 6 }).chain((n) => fc.tuple(items, orders(n)))
    fc.assert(
      fc.property(world, ([start, order]) => {
        const savers = order.length / 2
        const pushes = Array.from({ length: savers }, (_, at): Edit => (list) => [
          ...list,
          `${at}`,
          'x',
        ])
        const end = race(append, start, pushes, order)
        expect(end.slice(0, start.length)).toEqual(start)
        expect(end).toHaveLength(start.length + savers * 2)
        expect(count(end, 'x')).toBe(savers)
        for (let at = 0; at < savers; at++) expect(count(end, `${at}`)).toBe(1)
      }),
      RUNS,
    )
  })

  it('law: the longest end of the base that a side begins with is what it kept', () => {
    fc.assert(
      fc.property(items, items, (base, ours) => {
        const keeps = (length: number): boolean =>
          JSON.stringify(base.slice(base.length - length)) === JSON.stringify(ours.slice(0, length))
        const kept = Array.from({ length: base.length + 1 }, (_, at) => at).findLast(
          (length) => length <= ours.length && keeps(length),
        )
        expect(append<List>({ base, ours, theirs: [...base, 'new'] })).toEqual([
          ...ours.slice(0, kept),
          'new',
          ...ours.slice(kept),
        ])
      }),
      RUNS,
    )
  })

  it('takes linear time, also for elements that are all the same', () => {
    let compared = 0
    const getPrototypeOf = (): object => (compared++, Array.prototype)
    const many = Array.from({ length: 1000 }, () => new Proxy([], { getPrototypeOf }))
    append<List>({ base: many, ours: [...many.slice(500), 1], theirs: [...many, 2] })
    expect(compared).toBeGreaterThan(1000)
    expect(compared).toBeLessThan(20_000)
  })

  it.each<[string, unknown]>([
    ['text', 'ab'],
    ['a Set', new Set(['a'])],
    ['null', null],
  ])('throws a TypeError for %s on any side', (_kind, wrong) => {
    for (const side of ['base', 'ours', 'theirs']) {
      const versions = { base: ['a'], ours: ['b'], theirs: ['c'], [side]: wrong }
      expect(() => append(versions as never)).toThrow(new TypeError('append merges arrays'))
    }
  })
})

describe('appendUpTo', () => {
  it('keeps the last ones of what is merged', () => {
    const versions = { base: ['a'], ours: ['a', 'b'], theirs: ['a', 'c'] }
    expect(appendUpTo(2)(versions)).toEqual(['c', 'b'])
    expect(appendUpTo(9)(versions)).toEqual(['a', 'c', 'b'])
  })

  it('law: requests that keep the limit end with the last ones, in every order of loads and saves', () => {
    const limit = 4
    fc.assert(
      fc.property(orders(6), (order) => {
        const push =
          (at: number): Edit =>
          (list) =>
            [...list, `${at}`].slice(-limit)
        const edits = Array.from({ length: 6 }, (_, at) => push(at))
        const end = race(appendUpTo(limit), ['old'], edits, order)
        const saved = order.filter((saver, at) => order.indexOf(saver) < at)
        expect(end).toHaveLength(limit)
        expect(new Set(end).size).toBe(limit)
        expect(end.at(-1)).toBe(`${saved.at(-1)}`)
      }),
      RUNS,
    )
  })

  it.each([0, -1, 1.5, Number.NaN])('refuses %s as the limit', (limit) => {
    expect(() => appendUpTo(limit)).toThrow(RangeError)
  })
})
