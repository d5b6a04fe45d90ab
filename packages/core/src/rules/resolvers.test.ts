import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Block, Blocks } from './diff-and-merge.ts'
import { diff, merge } from './diff-and-merge.ts'
import { byKey, byKeyWith, max, min, sum, union } from './resolvers.ts'
import type { AnyResolver, Versions } from './resolvers.ts'
import { same } from './same-value.ts'
import { settleWith } from '../data/resolve-keys.ts'
import { decodeValue, encodeValue } from '../data/value.ts'

type Edit = (loaded: unknown) => unknown

/**
 * Savers of one key, through the real merge. `order` names every saver twice: first it loads, then
 * it saves, onto whatever is stored by then. Whatever a resolver is given is frozen.
 */
function race(resolver: AnyResolver, start: unknown, edits: Edit[], order: number[]): unknown {
  const settle = settleWith(() => (versions: never) => resolver(deepFreeze(versions)))
  const loads = new Map<number, Blocks>()
  let stored = blocksOf(start)
  for (const saver of order) {
    const base = loads.get(saver)
    if (base === undefined) {
      loads.set(saver, stored)
      continue
    }
    const ours = blocksOf(edits[saver]?.(valueOf(base)))
    stored = merge(base, diff(base, ours), stored, settle)
  }
  return valueOf(stored)
}

function blocksOf(value: unknown): Blocks {
  return new Map<string, Block>(value === undefined ? [] : [['k', encodeValue('k', value)]])
}

function valueOf(blocks: Blocks): unknown {
  const block = blocks.get('k')
  return block && decodeValue('k', block)
}

/** Every saver twice, in any order. */
function orders(savers: number): fc.Arbitrary<number[]> {
  const twice = Array.from({ length: savers * 2 }, (_, at) => at % savers)
  return fc.shuffledSubarray(twice, { minLength: twice.length })
}

/** All load first, then save in any order: every save but the first is contested. */
function simultaneous(savers: number): fc.Arbitrary<number[]> {
  const all = Array.from({ length: savers }, (_, at) => at)
  return fc.shuffledSubarray(all, { minLength: savers }).map((order) => [...all, ...order])
}

function deepFreeze<value>(value: value): value {
  if (typeof value !== 'object' || value === null) return value
  const refuse = (): never => {
    throw new Error('a resolver changed what it was given')
  }
  if (value instanceof Map || value instanceof Set) {
    for (const item of [...value].flat(1)) deepFreeze(item)
    for (const method of ['set', 'add', 'delete', 'clear']) {
      Object.defineProperty(value, method, { value: refuse })
    }
  }
  if (!ArrayBuffer.isView(value)) Object.values(value).forEach(deepFreeze)
  return ArrayBuffer.isView(value) ? value : Object.freeze(value)
}

const RUNS = { numRuns: 300 }

describe('sum', () => {
  const amount = fc.integer({ min: -(2 ** 40), max: 2 ** 40 })

  it('law: ends with the base and all differences, in every order of loads and saves', () => {
    const world = fc
      .array(amount, { minLength: 1, maxLength: 6 })
      .chain((amounts) => fc.tuple(fc.option(amount), fc.constant(amounts), orders(amounts.length)))
    fc.assert(
      fc.property(world, ([start, amounts, order]) => {
        const edits = amounts.map(
          (by): Edit =>
            (n) =>
              ((n as number | undefined) ?? 0) + by,
        )
        const total = amounts.reduce((left, right) => left + right, start ?? 0)
        expect(race(sum, start ?? undefined, edits, order)).toBe(total)
      }),
      RUNS,
    )
  })

  it('law: counts a side without the key as 0, so that deleting takes away what was there', () => {
    const side = fc.option(amount, { nil: undefined })
    fc.assert(
      fc.property(side, side, side, (base, ours, theirs) => {
        const from = base ?? 0
        const expected = from + ((ours ?? 0) - from) + ((theirs ?? 0) - from)
        expect(sum({ base, ours, theirs })).toBe(expected)
        expect(sum({ base, ours: theirs, theirs: ours })).toBe(expected)
      }),
      RUNS,
    )
    expect(sum({ base: 5, ours: undefined, theirs: 7 })).toBe(2)
    expect(sum({ base: undefined, ours: undefined, theirs: undefined })).toBe(0)
  })

  it('law: is exact up to 2^53', () => {
    const base = 2 ** 53 - 4
    expect(sum({ base, ours: base + 1, theirs: base + 2 })).toBe(2 ** 53 - 1)
    expect(sum({ base: -base, ours: -base - 1, theirs: -base - 2 })).toBe(-(2 ** 53) + 1)
  })

  it('adds fractions, up to rounding', () => {
    expect(sum({ base: 1, ours: 1.5, theirs: 1.25 })).toBe(1.75)
    expect(sum({ base: 0.1, ours: 0.2, theirs: 0.3 })).toBeCloseTo(0.4, 12)
  })

  it.each<[string, unknown]>([
    ['text', '1'],
    ['a bigint', 1n],
    ['null', null],
    ['an array', [1]],
    ['a boolean', true],
  ])('throws a TypeError for %s on any side', (_kind, wrong) => {
    for (const side of ['base', 'ours', 'theirs']) {
      const versions = { base: 1, ours: 2, theirs: 3, [side]: wrong }
      expect(() => sum(versions)).toThrow(new TypeError('sum merges numbers'))
    }
  })
})

describe('union', () => {
  const elements: unknown[] = [
    1,
    '1',
    1n,
    true,
    null,
    undefined,
    Number.NaN,
    { id: 1 },
    { id: 1, tags: ['a'] },
    [1, [2]],
    new Date(5),
    Uint8Array.of(1),
    new Map([['a', new Set([1])]]),
    new Set([1]),
  ]
  const some = fc.subarray(elements)

  it('law: has what either side added, and what neither removed, as arrays and as Sets', () => {
    fc.assert(
      fc.property(fc.tuple(some, some, some), fc.boolean(), ([base, ours, theirs], asSets) => {
        const merged = union<unknown[] | Set<unknown>>(versionsOf(base, ours, theirs, asSets))
        const expected = elements.filter((element) => {
          const [was, mine, yours] = [base, ours, theirs].map((side) => side.includes(element))
          return was ? mine && yours : mine || yours
        })
        const items = [...(merged ?? [])]
        expect(merged instanceof Set).toBe(asSets)
        expect(items).toHaveLength(expected.length)
        for (const element of expected) expect(items.some((item) => same(item, element))).toBe(true)
      }),
      RUNS,
    )
  })

  it('law: theirs come first, in their order, then what we added, in ours', () => {
    expect(
      union({ base: ['a', 'b'], ours: ['x', 'b', 'a', 'y'], theirs: ['z', 'b', 'a'] }),
    ).toEqual(['z', 'b', 'a', 'x', 'y'])
    const merged = union({ base: ['a'], ours: ['c', 'b'], theirs: ['b', 'a', 'd'] })
    expect(merged).toEqual(['b', 'd', 'c'])
  })

  it('law: the outcome as a set does not depend on who of many saved first', () => {
    const savers = fc.array(fc.tuple(some, some), { minLength: 2, maxLength: 5 })
    const world = savers.chain((all) => {
      return fc.tuple(some, fc.constant(all), simultaneous(all.length), simultaneous(all.length))
    })
    fc.assert(
      fc.property(world, ([start, savers, first, second]) => {
        const edits = savers.map(([add, remove]): Edit => (list) => {
          const left = (list as unknown[]).filter((item) => !includes(remove, item))
          return [...left, ...add.filter((item) => !includes(left, item))]
        })
        const [left, right] = [first, second].map((order) => race(union, start, edits, order))
        expect(textOf(left)).toEqual(textOf(right))
      }),
      RUNS,
    )
  })

  it('law: every addition is in and every removal is out, in every order of loads and saves', () => {
    const start = elements.slice(0, 6)
    const edits = elements.map((element, at): Edit => {
      if (at < 6) return (list) => (list as unknown[]).filter((item) => !same(item, element))
      return (list) => [...(list as unknown[]), element]
    })
    fc.assert(
      fc.property(orders(edits.length), (order) => {
        expect(textOf(race(union, start, edits, order))).toEqual(textOf(elements.slice(6)))
      }),
      RUNS,
    )
  })

  it('law: an array keeps repeated elements that it had', () => {
    expect(
      union({ base: ['a', 'a'], ours: ['a', 'a', 'b'], theirs: ['a', 'a', 'c', 'c'] }),
    ).toEqual(['a', 'a', 'c', 'c', 'b'])
    expect(union({ base: [], ours: ['a', 'a'], theirs: ['b'] })).toEqual(['b', 'a', 'a'])
    expect(union({ base: ['a', 'a', 'b'], ours: ['b'], theirs: ['a', 'a', 'b'] })).toEqual(['b'])
  })

  it('takes a missing side for an empty one', () => {
    expect(union({ base: undefined, ours: ['a'], theirs: ['b'] })).toEqual(['b', 'a'])
    expect(union({ base: ['a'], ours: undefined, theirs: ['a', 'b'] })).toEqual(['b'])
    expect(union({ base: ['a'], ours: ['a', 'b'], theirs: undefined })).toEqual(['b'])
    expect(union({ base: ['a'], ours: undefined, theirs: ['a'] })).toBeUndefined()
    expect(union({ base: ['a'], ours: [], theirs: ['a'] })).toEqual([])
    expect(union({ base: undefined, ours: undefined, theirs: new Set([1]) })).toEqual(new Set([1]))
  })

  it.each<[string, unknown]>([
    ['text', 'abc'],
    ['an object', { length: 0 }],
    ['a Map', new Map()],
    ['null', null],
    ['bytes', Uint8Array.of(1)],
    ['a number', 1],
  ])('throws a TypeError for %s on any side', (_kind, wrong) => {
    for (const side of ['base', 'ours', 'theirs']) {
      const versions = { base: [], ours: [], theirs: [], [side]: wrong }
      expect(() => union(versions as Versions<unknown[]>)).toThrow(
        new TypeError('union merges arrays and Sets'),
      )
    }
  })
})

describe('byKey', () => {
  const names = ['a', 'b', 'constructor', '']
  const values = fc.constantFrom<unknown>(0, -0, undefined, [1], { x: 1 })
  const entries = fc
    .array(fc.tuple(fc.constantFrom(...names), values), { maxLength: 5 })
    .map((all) => new Map(all))

  it('deletes an entry for which its resolver gives undefined', () => {
    const drop = byKeyWith(() => undefined)
    expect(
      drop({ base: { a: 1, b: 1 }, ours: { a: 2, b: 1 }, theirs: { a: 3, b: 1 } }),
    ).toStrictEqual({ b: 1 })
  })

  it('stays a Map where they deleted it, or had none', () => {
    const [base, ours] = [
      new Map([['a', 1]]),
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ]
    expect(byKey({ base, ours, theirs: undefined })).toEqual(new Map([['b', 2]]))
    expect(byKey({ base: undefined, ours, theirs: undefined })).toEqual(ours)
    expect(byKey({ base, ours: undefined, theirs: ours })).toEqual(new Map([['b', 2]]))
  })

  it('law: takes an entry from the side that changed it, and asks about those of both', () => {
    fc.assert(
      fc.property(entries, entries, entries, fc.boolean(), (base, ours, theirs, asMaps) => {
        const asked: Versions<unknown>[] = []
        const resolver = byKeyWith((versions: Versions<unknown>) => {
          asked.push(versions)
          return 'settled'
        })
        const expected = new Map<unknown, unknown>()
        let contested = 0
        for (const key of names) {
          const weKept = keeps(base, ours, key)
          const theyKept = keeps(base, theirs, key)
          const side = weKept ? theirs : ours
          if (!weKept && !theyKept && (ours.has(key) || theirs.has(key))) {
            contested++
            expected.set(key, 'settled')
          } else if (side.has(key)) expected.set(key, side.get(key))
        }
        const merged = resolver<object>(entriesAs(asMaps, base, ours, theirs))
        expect(sortedEntries(merged)).toEqual(sortedEntries(expected))
        expect(asked).toHaveLength(contested)
        expect(merged instanceof Map).toBe(asMaps)
      }),
      { numRuns: 1000 },
    )
  })

  it('law: loses no entry, in every order of loads and saves', () => {
    const edits = Array.from({ length: 7 }, (_, at): Edit => (cart) => {
      const items = cart as object
      return at < 5 ? { ...items, [`item ${at}`]: at } : without(items, `old ${at}`)
    })
    fc.assert(
      fc.property(orders(edits.length), (order) => {
        const end = race(byKey, { 'old 5': 1, 'old 6': 1, 'old 7': 1 }, edits, order)
        const added = { 'item 0': 0, 'item 1': 1, 'item 2': 2, 'item 3': 3, 'item 4': 4 }
        expect(end).toEqual({ 'old 7': 1, ...added })
      }),
      RUNS,
    )
  })

  it('law: settles an entry of both by the resolver alone, as quantities in a cart', () => {
    const quantity = fc.tuple(fc.constantFrom('tea', 'milk'), fc.integer({ max: 9, min: 1 }))
    const quantities = fc.array(quantity, { minLength: 1, maxLength: 6 })
    const world = quantities.chain((all) => fc.tuple(fc.constant(all), orders(all.length)))
    fc.assert(
      fc.property(world, ([added, order]) => {
        const edits = added.map(([item, by]): Edit => (cart) => {
          const map = new Map(cart as Map<string, number>)
          return map.set(item, (map.get(item) ?? 0) + by)
        })
        const expected = new Map([['tea', 1]])
        for (const [item, by] of added) expected.set(item, (expected.get(item) ?? 0) + by)
        const end = race(byKeyWith(sum), new Map([['tea', 1]]), edits, order)
        expect(sortedEntries(end as object)).toEqual(sortedEntries(expected))
      }),
      RUNS,
    )
  })

  it('nests', () => {
    const deep = byKeyWith(byKeyWith(sum))
    expect(
      deep({
        base: { a: { x: 1, y: 1 } },
        ours: { a: { x: 2, y: 1 }, b: { z: 1 } },
        theirs: { a: { x: 5, y: 2 }, b: { z: 2, w: 1 } },
      }),
    ).toEqual({ a: { x: 6, y: 2 }, b: { z: 3, w: 1 } })
  })

  it('by default takes ours, as a whole, also when ours is a deletion', () => {
    const base = { a: { x: 1, y: 1 }, b: 1 }
    expect(
      byKey({ base, ours: { a: { x: 2, y: 1 } }, theirs: { a: { x: 1, y: 2 }, b: 2 } }),
    ).toEqual({ a: { x: 2, y: 1 } })
  })

  it('deletes an entry when the resolver gives undefined', () => {
    const drop = byKeyWith(() => undefined)
    expect(drop({ base: { a: 1, b: 1 }, ours: { a: 2, b: 1 }, theirs: { a: 3, b: 1 } })).toEqual({
      b: 1,
    })
  })

  it('takes a missing side for an empty one', () => {
    expect(byKey({ base: undefined, ours: { a: 1 }, theirs: { b: 1 } })).toEqual({ a: 1, b: 1 })
    expect(byKey({ base: { a: 1 }, ours: undefined, theirs: { a: 1, b: 1 } })).toEqual({ b: 1 })
    expect(byKey({ base: { a: 1 }, ours: undefined, theirs: { a: 1 } })).toBeUndefined()
    expect(byKey({ base: { a: 1 }, ours: {}, theirs: { a: 1 } })).toEqual({})
    expect(byKey({ base: { a: 1 }, ours: { a: 1, b: 2 }, theirs: undefined })).toEqual({ b: 2 })
  })

  it('keeps the order of theirs, and puts our additions behind', () => {
    const theirs = { c: 1, a: 1, b: 1 }
    const merged = byKey<object>({ base: { a: 1 }, ours: { y: 1, a: 2, x: 1 }, theirs })
    expect(Object.keys(merged as object)).toEqual(['c', 'a', 'b', 'y', 'x'])
  })

  it('S30: keeps names of objects as entries', () => {
    const theirs = JSON.parse('{"__proto__":{"isAdmin":true},"constructor":1}') as object
    const versions = { base: {}, ours: { toString: 1 }, theirs }
    const merged = byKey<object>(versions) as Record<string, unknown>
    expect(Object.keys(merged)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(merged['isAdmin']).toBeUndefined()
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
  })

  it.each<[string, unknown]>([
    ['an array', []],
    ['a Set', new Set()],
    ['a Date', new Date()],
    ['null', null],
    ['text', 'abc'],
    ['a number', 1],
    ['bytes', Uint8Array.of(1)],
    ['a Map with an object as key', new Map([[{}, 1]])],
  ])('throws a TypeError for %s on any side', (_kind, wrong) => {
    for (const side of ['base', 'ours', 'theirs']) {
      const versions = { base: {}, ours: {}, theirs: {}, [side]: wrong }
      expect(() => byKey(versions as Versions<object>)).toThrow(TypeError)
    }
  })
})

describe('max and min', () => {
  const missing = fc.constantFrom(undefined, Number.NaN)
  const kinds = [
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.date({ noInvalidDate: true }),
    fc.constantFrom(-1, 0, 1, 1.5, Infinity, -Infinity),
  ] as fc.Arbitrary<never>[]
  const triple = fc
    .constantFrom(...kinds)
    .map((kind): fc.Arbitrary<Comparable> => fc.oneof(missing, kind))
    .chain((side) => fc.tuple(side, side, side))
  type Comparable = number | undefined

  function of(resolver: typeof max, left: Comparable, right: Comparable): unknown {
    // What base is does not matter, and must not.
    return resolver<number>({ base: 12_345, ours: left, theirs: right })
  }

  /** 0 and -0 are one. */
  function plain(value: unknown): unknown {
    return value === 0 ? 0 : value
  }

  it.each([
    ['max', max],
    ['min', min],
  ] as const)('law: %s is commutative, associative and idempotent', (_name, resolver) => {
    fc.assert(
      fc.property(triple, ([a, b, c]) => {
        expect(plain(of(resolver, a, b))).toEqual(plain(of(resolver, b, a)))
        const left = of(resolver, of(resolver, a, b) as Comparable, c)
        const right = of(resolver, a, of(resolver, b, c) as Comparable)
        expect(plain(left)).toEqual(plain(right))
        expect(of(resolver, a, a)).toEqual(a)
      }),
      { numRuns: 1000 },
    )
  })

  it('law: give one of both sides, which is no less (no greater) than the other', () => {
    fc.assert(
      fc.property(triple, ([a, b]) => {
        const [most, least] = [of(max, a, b), of(min, a, b)]
        const valid = [a, b].filter((side) => side !== undefined && !Number.isNaN(side))
        const all = valid.length > 0 ? valid : [a, b]
        expect(all).toContainEqual(most)
        expect(all).toContainEqual(least)
        const highest = valid.every((side) => (most as number) >= (side as number))
        const lowest = valid.every((side) => (least as number) <= (side as number))
        expect([highest, lowest]).toEqual([true, true])
      }),
      { numRuns: 1000 },
    )
  })

  it('law: a missing side and NaN count less than anything', () => {
    for (const resolver of [max, min]) {
      for (const value of [-Infinity, 0, 5]) {
        expect(of(resolver, value, undefined)).toBe(value)
        expect(of(resolver, undefined, value)).toBe(value)
        expect(of(resolver, value, Number.NaN)).toBe(value)
        expect(of(resolver, Number.NaN, value)).toBe(value)
      }
      expect(of(resolver, undefined, undefined)).toBeUndefined()
      expect(of(resolver, Number.NaN, undefined)).toBeNaN()
      expect(of(resolver, undefined, Number.NaN)).toBeNaN()
    }
  })

  it('law: max ends with the greatest that any saver reached, in every order of loads and saves', () => {
    const world = fc.array(fc.integer(), { minLength: 1, maxLength: 6 }).chain((scores) => {
      return fc.tuple(fc.option(fc.integer()), fc.constant(scores), orders(scores.length))
    })
    fc.assert(
      fc.property(world, ([start, scores, order]) => {
        const reach =
          (score: number): Edit =>
          (best) => {
            return best === undefined ? score : Math.max(best as number, score)
          }
        const least =
          (score: number): Edit =>
          (best) => {
            return best === undefined ? score : Math.min(best as number, score)
          }
        const all = [...(start === null ? [] : [start]), ...scores]
        const from = start ?? undefined
        expect(race(max, from, scores.map(reach), order)).toBe(Math.max(...all))
        expect(race(min, from, scores.map(least), order)).toBe(Math.min(...all))
      }),
      RUNS,
    )
  })

  it('law: compare text by UTF-16 code unit, and Dates by time', () => {
    expect(max({ base: '', ours: 'Z', theirs: 'a' })).toBe('a')
    expect(max({ base: '', ours: '\u{1f600}', theirs: '\uffff' })).toBe('\uffff')
    expect(min({ base: '', ours: '10', theirs: '9' })).toBe('10')
    const [early, late] = [new Date(1), new Date(2)]
    expect(max({ base: early, ours: early, theirs: late })).toBe(late)
    expect(min({ base: late, ours: early, theirs: late })).toBe(early)
  })

  it.each<[string, unknown, unknown]>([
    ['a number and text', 1, '1'],
    ['a number and a bigint', 1, 1n],
    ['a Date and a number', new Date(1), 1],
    ['two objects', {}, {}],
    ['two arrays', [1], [2]],
    ['two booleans', true, false],
    ['null and a number', null, 1],
    ['two nulls', null, null],
    ['an object and nothing', {}, undefined],
    ['an array and NaN', [], Number.NaN],
    ['null and nothing', null, undefined],
  ])('throw a TypeError for %s, in either order', (_kind, left, right) => {
    for (const [name, resolver] of [
      ['max', max],
      ['min', min],
    ] as const) {
      const error = new TypeError(`${name} merges two numbers, bigints, strings or Dates`)
      expect(() => of(resolver, left as number, right as number)).toThrow(error)
      expect(() => of(resolver, right as number, left as number)).toThrow(error)
    }
  })
})

type Entries = ReadonlyMap<unknown, unknown>

function keeps(base: Entries, side: Entries, key: string): boolean {
  return base.has(key) === side.has(key) && same(base.get(key), side.get(key))
}

function entriesAs(
  asMaps: boolean,
  base: Entries,
  ours: Entries,
  theirs: Entries,
): Versions<object> {
  const shape = (side: Entries): object => (asMaps ? side : Object.fromEntries(side as never))
  return deepFreeze({ base: shape(base), ours: shape(ours), theirs: shape(theirs) })
}

function versionsOf(
  base: unknown[],
  ours: unknown[],
  theirs: unknown[],
  asSets: boolean,
): Versions<unknown[] | Set<unknown>> {
  const [copyOfBase, copyOfOurs, copyOfTheirs] = [base, ours, theirs].map((side) => {
    const copy = decodeValue('k', encodeValue('k', side)) as unknown[]
    return asSets ? new Set(copy) : copy
  })
  return deepFreeze({ base: copyOfBase, ours: copyOfOurs, theirs: copyOfTheirs })
}

function sortedEntries(of: object | undefined): [string, unknown][] {
  const entries = of instanceof Map ? [...of] : Object.entries(of ?? {})
  return entries
    .map(([key, value]): [string, unknown] => [String(key), value])
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
}

/** The elements of a list in one order, as text. */
function textOf(list: unknown): string[] {
  return [...(list as unknown[])]
    .map((item) => Buffer.from(encodeValue('k', item)).toString('hex'))
    .toSorted((left, right) => (left < right ? -1 : 1))
}

function includes(list: readonly unknown[], item: unknown): boolean {
  return list.some((other) => same(item, other))
}

function without(of: object, name: string): object {
  return Object.fromEntries(Object.entries(of).filter(([key]) => key !== name))
}
