import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { same } from './same-value.ts'
import { decodeValue, encodeValue } from '../data/value.ts'

const plain = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  maxDepth: 3,
})

function storable(value: unknown): boolean {
  try {
    encodeValue('k', value)
    return true
  } catch {
    return false
  }
}

const stored = plain.filter(storable).map((value) => encodeValue('k', value))

describe('same', () => {
  it('finds two decodings of one block the same', () => {
    fc.assert(
      fc.property(stored, (block) => same(decodeValue('k', block), decodeValue('k', block))),
      { numRuns: 500 },
    )
  })

  it('finds values with different bytes different, but for the order of keys', () => {
    fc.assert(
      fc.property(stored, stored, (left, right) => {
        const equal = same(decodeValue('k', left), decodeValue('k', right))
        expect(equal).toBe(Buffer.compare(sorted(left), sorted(right)) === 0)
        expect(same(decodeValue('k', right), decodeValue('k', left))).toBe(equal)
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, unknown, unknown]>([
    ['numbers that are both NaN', Number.NaN, Number.NaN],
    ['bigints', 2n ** 70n, 2n ** 70n],
    ['objects with keys in another order', { a: 1, b: [2] }, { b: [2], a: 1 }],
    ['Dates', new Date(5), new Date(5)],
    ['bytes', Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    ['Maps', new Map([[{ a: 1 }, [1]]]), new Map([[{ a: 1 }, [1]]])],
    ['Sets', new Set([[1]]), new Set([[1]])],
    ['undefined in an object', { a: undefined }, { a: undefined }],
  ])('is true of %s', (_kind, left, right) => {
    expect(same(left, right)).toBe(true)
    expect(same({ in: [left] }, { in: [right] })).toBe(true)
  })

  it.each<[string, unknown, unknown]>([
    ['0 and -0', 0, -0],
    ['1 and 1n', 1, 1n],
    ['1 and "1"', 1, '1'],
    ['null and undefined', null, undefined],
    ['null and an object', null, {}],
    ['a key of undefined and none', { a: undefined }, {}],
    ['one key of undefined and another', { a: undefined }, { b: undefined }],
    ['an own key and an inherited one', { toString: Object.prototype.toString }, {}],
    ['an own key and one that the other inherits', { valueOf: undefined }, { other: undefined }],
    ['an array and an object', [], {}],
    ['an array and bytes', [1], Uint8Array.of(1)],
    ['a Map and a Set', new Map(), new Set()],
    ['a Map and an object', new Map(), {}],
    ['Dates a millisecond apart', new Date(5), new Date(6)],
    ['a Date and its number', new Date(5), 5],
    ['a Date and its text', new Date(5), new Date(5).toISOString()],
    ['arrays of different lengths', [1], [1, 2]],
    ['bytes that differ', Uint8Array.of(1, 2), Uint8Array.of(1, 3)],
    ['Maps with other values', new Map([['a', 1]]), new Map([['a', 2]])],
    ['Maps with other keys', new Map([['a', 1]]), new Map([['b', 1]])],
    ['Sets with other items', new Set([1]), new Set([2])],
    ['a deep difference', [{ a: new Map([[1, [{ b: 1 }]]]) }], [{ a: new Map([[1, [{ b: 2 }]]]) }]],
  ])('is false of %s', (_kind, left, right) => {
    expect(same(left, right)).toBe(false)
    expect(same(right, left)).toBe(false)
    expect(same({ in: [left] }, { in: [right] })).toBe(false)
  })
})

/** The same value encoded with its objects' keys in order. */
function sorted(block: Uint8Array): Uint8Array {
  return encodeValue('k', sortKeys(decodeValue('k', block)))
}

function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sortKeys)
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [sortKeys(key), sortKeys(item)]))
  }
  if (value instanceof Set) return new Set([...value].map(sortKeys))
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value).map(([key, item]) => [key, sortKeys(item)] as const)
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)))
}
