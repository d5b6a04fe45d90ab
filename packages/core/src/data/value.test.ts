import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { randomFrom } from '../../test/fakes/random.ts'
import { SessionError } from '../errors.ts'
import { decodeValue, encodeValue, propertyName } from './value.ts'
import { maxDepth } from './wire-format.ts'

const SECRET = 'hunter2-hunter2-hunter2'

/** Everything that a session can keep, nested. */
const kept = fc.letrec<{ value: unknown }>((tie) => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string())
  const key = fc
    .oneof(
      text,
      fc.nat().map(String),
      fc.constantFrom('constructor', 'toString', 'prototype', '', '-1', 'length', 'toJSON', 'then'),
    )
    .filter((name) => name !== '__proto__')
  const few = { maxLength: 5 }
  const value = tie('value')
  return {
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(null, undefined, true, false),
      fc.double(),
      fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(-0, 2 ** 53, -(2 ** 63))),
      fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }),
      text,
      fc.date({ noInvalidDate: true }),
      fc.uint8Array({ maxLength: 40 }),
      { arbitrary: fc.array(value, few), weight: 2 },
      { arbitrary: fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }), weight: 2 },
      { arbitrary: fc.array(fc.tuple(value, value), few).map((all) => new Map(all)), weight: 2 },
      { arbitrary: fc.array(value, few).map((items) => new Set(items)), weight: 2 },
    ),
  }
}).value

/** Stricter than any library: every prototype, and the order of keys and entries too. */
function identical(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) {
    return Object.is(left, right)
  }
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false
  if (left instanceof Date) return left.getTime() === (right as Date).getTime()
  if (left instanceof Map || left instanceof Set) {
    return identical([...left].flat(1), [...(right as Set<unknown>)].flat(1))
  }
  const keys = Object.keys(left)
  const others = Object.keys(right)
  if (keys.length !== others.length) return false
  return keys.every((key, at) => {
    return key === others[at] && identical(Reflect.get(left, key), Reflect.get(right, key))
  })
}

function copy(value: unknown): unknown {
  return decodeValue('k', encodeValue('k', value))
}

function refusal(value: unknown): SessionError {
  try {
    encodeValue('k', value)
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
  throw new Error('it was not refused')
}

/** Overwrites all bytes inside a value; their number. */
function scribble(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  if (value instanceof Uint8Array) {
    value.fill(0xee)
    return value.length
  }
  const items = value instanceof Map ? [...value].flat(1) : value instanceof Set ? [...value] : []
  return [...items, ...Object.values(value)].reduce((sum: number, item) => sum + scribble(item), 0)
}

/** How many levels of containers there are. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const items = value instanceof Map ? [...value].flat(1) : value instanceof Set ? [...value] : []
  return 1 + Math.max(...[...items, ...Object.values(value)].map(depthOf))
}

function nest(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'leaf'
  for (let level = 0; level < levels; level++) value = wrap(value)
  return value
}

describe('what a session keeps', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['booleans', [true, false]],
    ['negative zero', -0],
    ['not a number', Number.NaN],
    ['both infinities', [Infinity, -Infinity]],
    ['the ends of the doubles', [Number.MAX_VALUE, Number.MIN_VALUE, -Number.MAX_VALUE]],
    [
      'integers at every size of MessagePack',
      [
        [127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63],
        [-32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53) + 1],
      ],
    ],
    ['bigints, small, huge and negative', [0n, -1n, 2n ** 64n, -(2n ** 2000n) - 1n]],
    ['text of every plane, with NUL and a BOM', '\0\ufeff\u00e9\u2028\u{1f600}\u{10ffff}'],
    ['long text', 'é'.repeat(70_000)],
    ['Dates at both ends of time', [-8.64e15, -1, 0, 8.64e15].map((at) => new Date(at))],
    [
      'Maps with any key',
      new Map<unknown, unknown>([
        [undefined, 1],
        [Number.NaN, -0],
        [{ a: 1 }, null],
        [['x'], undefined],
        [0, new Map()],
      ]),
    ],
    ['Sets', new Set<unknown>([undefined, null, -1, 'a', [1], new Set([2])])],
    ['bytes', Uint8Array.of(0, 127, 128, 255)],
    ['no bytes', new Uint8Array(0)],
    ['bytes that are a part of a buffer', new Uint8Array(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2)],
    ['arrays with undefined', [undefined, [undefined], []]],
    ['objects with undefined', { a: undefined, b: { c: undefined } }],
    ['keys that objects inherit', { constructor: 1, toString: 2, hasOwn: 3, prototype: {} }],
    ['an empty key and keys that are numbers', { b: 1, '': 2, 10: 3, 2: 4, '-1': 5, '01': 6 }],
  ])('comes back unchanged: %s', (_kind, value) => {
    expect(identical(copy(value), value)).toBe(true)
    expect(isDeepStrictEqual(copy(value), value)).toBe(true)
  })

  it('rule 13: every value comes back unchanged, in the order it had', () => {
    fc.assert(
      fc.property(kept, (value) => {
        const back = copy(value)
        return identical(back, value) && isDeepStrictEqual(back, value)
      }),
      { numRuns: 1000 },
    )
  })

  it('encodes what it decoded to the same bytes, so that reading is no change', () => {
    fc.assert(
      fc.property(kept, (value) => {
        const block = encodeValue('k', value)
        expect(encodeValue('k', decodeValue('k', block))).toEqual(block)
      }),
      { numRuns: 500 },
    )
  })

  it('rule 13: shares no memory between a block, what it was made of, and what it becomes', () => {
    let seen = 0
    fc.assert(
      fc.property(kept, (value) => {
        const block = encodeValue('k', value)
        const snapshot = block.slice()
        const decoded = decodeValue('k', block)
        seen += scribble(decoded)
        expect(block).toEqual(snapshot)
        expect(identical(decodeValue('k', block), value)).toBe(true)
        const again = decodeValue('k', block)
        block.fill(0)
        expect(identical(again, value)).toBe(true)
        const other = encodeValue('k', value)
        scribble(value)
        expect(other).toEqual(snapshot)
      }),
      { numRuns: 500 },
    )
    expect(seen).toBeGreaterThan(200)
  })

  it.each([
    [0n, 'd40230'],
    [255n, 'd5026666'],
    [-255n, 'c703022d6666'],
  ])(
    'writes the bigint %s as records have it, so that a stored one has not changed',
    (value, hex) => {
      expect(Buffer.from(encodeValue('k', value)).toString('hex')).toBe(hex)
    },
  )

  it('does not change what it is given', () => {
    const value = { a: [undefined, -0], b: new Map([[-1, undefined]]), c: new Set([undefined]) }
    const before = structuredClone(value)
    encodeValue('k', value)
    expect(identical(value, before)).toBe(true)
  })

  it('takes objects without a prototype, and gives ordinary ones back, as React demands', () => {
    const bare: Record<string, unknown> = Object.create(null)
    bare['inner'] = Object.assign(Object.create(null), { a: undefined })
    const back = copy(bare)
    expect(identical(back, { inner: { a: undefined } })).toBe(true)
  })

  it('takes objects and arrays of another realm, and gives ordinary ones back', () => {
    const foreign = runInNewContext('({ a: 1, list: [1, { b: 2 }] })') as object
    expect(Object.getPrototypeOf(foreign)).not.toBe(Object.prototype)
    const back = copy(foreign)
    expect(back).toEqual({ a: 1, list: [1, { b: 2 }] })
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  })

  it('S30: is not fooled by what was put on Object.prototype', () => {
    const polluted = Object.prototype as { isAdmin?: boolean }
    polluted.isAdmin = true
    try {
      expect(Object.keys(copy({ a: undefined }) as object)).toEqual(['a'])
      expect(encodeValue('k', { a: 1 })).toHaveLength(encodeValue('k', { b: 1 }).length)
    } finally {
      delete polluted.isAdmin
    }
  })

  it('keeps one object in two places as two equal ones', () => {
    const shared = { a: 1 }
    expect(copy([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })

  it.each<[string, (inner: unknown) => unknown]>([
    ['arrays', (inner) => [inner]],
    ['objects', (inner) => ({ a: inner })],
    ['Maps', (inner) => new Map([[1, inner]])],
    ['keys of Maps', (inner) => new Map([[inner, 1]])],
    ['Sets', (inner) => new Set([inner])],
    ['all of them', (inner) => new Map([[1, new Set([[{ a: inner }]])]])],
  ])('keeps %s nested as deep as allowed, and refuses one level more', (_kind, wrap) => {
    const levels = maxDepth / depthOf(wrap(0))
    const deepest = nest(levels, wrap)
    expect(identical(copy(deepest), deepest)).toBe(true)
    expect(refusal(nest(levels + 1, wrap)).message).toContain('is nested too deep')
    expect(refusal(nest(10_000, wrap)).message).toContain('is nested too deep')
  })
})

describe('what a session refuses', () => {
  class Account {
    readonly password = SECRET
  }
  class Sorted extends Map<unknown, unknown> {}
  class Bag extends Set<unknown> {}
  class Bytes extends Uint8Array {}
  class Day extends Date {}
  const cycle: unknown[] = [SECRET]
  cycle.push({ again: cycle })
  const named = Object.assign([1, 2], { total: SECRET })
  const holes: unknown[] = [1]
  holes[2] = SECRET
  const both = Object.assign([1], { total: SECRET })
  both.length = 2
  const withName = (value: object): object => Object.assign(value, { label: SECRET })
  const withSymbol = (value: object): object => Object.assign(value, { [Symbol(SECRET)]: 1 })
  const symbolic = Object.assign([1], { [Symbol(SECRET)]: 1 })
  class Sorting extends Array<unknown> {}
  const disguised = Object.assign(new Account(), { constructor: { name: SECRET } })
  const own = JSON.parse(`{"__proto__":"${SECRET}"}`) as unknown

  it.each<[string, unknown, string]>([
    ['a function', () => SECRET, 'a function'],
    ['a symbol', Symbol(SECRET), 'a symbol'],
    ['an instance of a class', new Account(), 'an instance of Account'],
    ['a regular expression', new RegExp(SECRET), 'an instance of RegExp'],
    ['a URL', new URL(`https://${SECRET}.example/`), 'an instance of URL'],
    ['an Error', new Error(SECRET), 'an instance of Error'],
    ['a Promise', Promise.resolve(SECRET), 'an instance of Promise'],
    ['a WeakMap', new WeakMap(), 'an instance of WeakMap'],
    ['a WeakSet', new WeakSet(), 'an instance of WeakSet'],
    ['an ArrayBuffer', new ArrayBuffer(8), 'an instance of ArrayBuffer'],
    ['a DataView', new DataView(new ArrayBuffer(8)), 'an instance of DataView'],
    ['a Buffer', Buffer.from(SECRET), 'a subclass of Uint8Array, such as Buffer'],
    ['a subclass of Uint8Array', new Bytes(2), 'a subclass of Uint8Array'],
    ['an Int8Array', new Int8Array(2), 'an instance of Int8Array'],
    ['a Uint8ClampedArray', new Uint8ClampedArray(2), 'an instance of Uint8ClampedArray'],
    ['a Float64Array', new Float64Array(2), 'an instance of Float64Array'],
    ['a BigInt64Array', new BigInt64Array(2), 'an instance of BigInt64Array'],
    ['a boxed string', Object(SECRET), 'an instance of String'],
    ['a boxed number', Object(1), 'an instance of Number'],
    ['a boxed boolean', Object(true), 'an instance of Boolean'],
    ['a boxed bigint', Object(1n), 'an instance of BigInt'],
    ['a boxed symbol', Object(Symbol(SECRET)), 'an instance of Symbol'],
    ['an invalid Date', new Date(Number.NaN), 'an invalid Date'],
    ['a subclass of Date', new Day(), 'an instance of Day'],
    ['a subclass of Map', new Sorted([[SECRET, 1]]), 'an instance of Sorted'],
    ['a subclass of Set', new Bag([SECRET]), 'an instance of Bag'],
    ['a Proxy of a function', new Proxy(() => SECRET, {}), 'a function'],
    ['an object that inherits', Object.create({ a: SECRET }), 'an instance of Object'],
    ['a generator', (function* generate() {})(), 'not a plain object'],
    [
      'arguments',
      (function list() {
        return arguments
      })(),
      'an instance of Object',
    ],
    ['a namespace such as Math', Math, 'an instance of Object'],
    ['a cycle', cycle, 'a cycle'],
    ['an array with a hole', holes, 'an array with holes or named'],
    ['an array with a hole and a named property', both, 'an array with holes or named'],
    ['an array with a symbol as key', symbolic, 'an array with holes or named'],
    ['a subclass of Array', Sorting.from([SECRET]), 'an instance of Sorting'],
    ['what only inherits from Date', Object.create(Date.prototype), 'something that cannot be'],
    ['a Proxy of a Map', new Proxy(new Map([[1, SECRET]]), {}), 'something that cannot be read'],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error(SECRET)
        },
      },
      'something that cannot',
    ],
    ['a constructor of its own', disguised, 'an instance of Account'],
    ['an array with a named property', named, 'an array with holes or named'],
    ['a match of a regular expression', /h/.exec(SECRET), 'an array with holes or named'],
    ['a Date with a named property', withName(new Date(5)), 'an instance of Date with named'],
    ['a Map with a named property', withName(new Map()), 'an instance of Map with named'],
    ['a Set with a named property', withName(new Set()), 'an instance of Set with named'],
    ['a Date with a symbol as key', withSymbol(new Date(5)), 'an instance of Date with named'],
    ['a symbol as key', { [Symbol(SECRET)]: 1 }, 'an object with a symbol as key'],
    ['__proto__ as key', own, 'under a key that would become its prototype'],
    ['half a surrogate pair', `${SECRET}\ud800`, 'text with half a surrogate pair'],
    ['half a surrogate pair in a key', { '\udfff': 1 }, 'an object with half a surrogate'],
    ['a toJSON method', { toJSON: () => SECRET }, 'a function'],
  ])('rule 13: %s, and says so without showing the value', (_kind, value, what) => {
    const { code, message } = refusal(value)
    expect(code).toBe('unsupported-value')
    expect(message).toContain(` is ${what}`)
    expect(message).toContain('session.data.k')
    expect(message).toContain('Nothing was saved')
    expect(message).not.toContain(SECRET.slice(0, 7))
  })

  it.each<[string, unknown, string]>([
    ['an object', { user: { email: Symbol('x') } }, '.user.email'],
    ['an array', [0, [Symbol('x')]], '[1][0]'],
    [
      'a Map, as a key',
      new Map([
        [1, 1],
        [Symbol('x') as never, 2],
      ]),
      '{entry 1}',
    ],
    ['a Map, as a value', { m: new Map([['a', [Symbol('x')]]]) }, '.m{entry 0}[0]'],
    ['a Set', new Set([1, Symbol('x')]), '{entry 1}'],
    ['a key that is no name', { 'a b': { '0': Symbol('x') } }, '["a b"]["0"]'],
    ['after siblings of every kind', { a: [1, { b: 2 }], c: new Set([1]), d: Symbol('x') }, '.d'],
  ])('names the path inside %s', (_place, value, path) => {
    expect(refusal(value).message).toContain(`session.data.k${path} is a symbol`)
  })

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'store plain data'],
    ['a symbol', Symbol('x'), 'store a string'],
    ['text', 'a\ud800', 'use toWellFormed(), or store bytes'],
    ['a cycle', cycle, 'store a tree'],
    ['depth', nest(maxDepth + 1, (inner) => [inner]), `at most ${maxDepth}`],
    ['an instance', new Account(), 'store plain data, and build it again from that'],
    ['an invalid Date', new Date(Number.NaN), 'store a valid one, or null'],
    ['a subclass of Array', Sorting.from([1]), 'store a plain array'],
    ['an array with holes', holes, 'fill it, or use an object'],
    ['a symbol as key', { [Symbol('x')]: 1 }, 'use strings as keys'],
    ['__proto__ as key', own, 'use another key'],
    ['half a surrogate pair in a key', { '\udfff': 1 }, 'use text'],
    ['a Proxy of a Map', new Proxy(new Map(), {}), 'store plain data'],
  ])('says what to do instead: %s', (_kind, value, remedy) => {
    expect(refusal(value).message).toMatch(
      new RegExp(`, which a session cannot keep: ${escape(remedy)}\\. Nothing was saved$`),
    )
  })

  it('names the path of a key that would become a prototype', () => {
    expect(refusal({ a: own }).message).toContain('session.data.k.a.__proto__ is under a key')
  })

  it('S35: has the error of what cannot be read as cause, and none for anything else', () => {
    const cause = new Error('of the app')
    const value = {
      get a() {
        throw cause
      },
    }
    expect(refusal(value).cause).toBe(cause)
    expect(
      Object.hasOwn(
        refusal(() => 1),
        'cause',
      ),
    ).toBe(false)
  })

  it('describes what has no constructor, or one that is no function', () => {
    const odd = Object.create(Object.create(null, { constructor: { value: { name: 'Odd' } } }))
    expect(refusal(odd).message).toContain('not a plain object')
    expect(refusal(Object.create(Object.create(null))).message).toContain('not a plain object')
  })

  it('S35: shows of a Map neither the keys nor the values', () => {
    const { message } = refusal(new Map([[SECRET, () => SECRET]]))
    expect(message).not.toContain(SECRET)
  })

  it('finds a cycle through every container', () => {
    const map = new Map<string, unknown>()
    const set = new Set<unknown>([map])
    map.set('back', { set })
    expect(refusal(map).message).toContain('is a cycle')
    expect(refusal(set).message).toContain('is a cycle')
  })

  it('still encodes and decodes after any number of refusals', () => {
    for (let at = 0; at < 200; at++) refusal({ a: [new Map([[1, () => at]])] })
    expect(copy({ a: new Map([[1, 2n]]) })).toEqual({ a: new Map([[1, 2n]]) })
  })

  it('refuses a sparse array of any length at once', () => {
    const sparse: unknown[] = []
    sparse.length = 4_000_000_000
    expect(refusal(sparse).message).toContain('is an array with holes')
  })
})

describe('damaged blocks', () => {
  it.each<[string, unknown]>([
    ['a key', { nested: { list: 1 } }],
    ['text', { nested: ['list'] }],
    ['an entry of a Map', new Map([['a', new Set(['list'])]])],
  ])(
    'S45: are those with half a surrogate pair in %s, which no save would take',
    (_where, value) => {
      const block = encodeValue('k', value)
      const at = Buffer.from(block).indexOf('list')
      expect(decodeValue('k', block)).toEqual(value)
      // UTF-8 that a strict decoder refuses, and a lenient one makes U+D800, U+DCF4 and U+DCF3 of.
      for (const bytes of [
        [0xed, 0xa0, 0x80],
        [0xed, 0x73, 0x74],
        [0xf0, 0x8d, 0xb3, 0xb3],
      ]) {
        block.set(bytes, at)
        expect(() => decodeValue('k', block)).toThrow(
          new SessionError('damaged-value', 'session.data.k is damaged in the store'),
        )
      }
    },
  )

  it('S45: are those with an invalid date, which no save would take', () => {
    const block = Uint8Array.of(
      0x91,
      0xc7,
      12,
      0xff,
      0,
      0,
      0,
      0,
      0x7f,
      ...Array<number>(7).fill(0xff),
    )
    expect(() => decodeValue('k', block)).toThrow(
      expect.objectContaining({ code: 'damaged-value' }),
    )
  })

  const seeds: unknown[] = [
    { user: { id: 42, name: 'Zoë' }, tags: ['a', 'b'], at: new Date(1e12), n: -0.5 },
    new Map<unknown, unknown>([
      ['a', new Set([1, 2, [3]])],
      [{ k: undefined }, -(2n ** 70n)],
    ]),
    [Uint8Array.of(1, 2, 3), -0, undefined, 'x'.repeat(300), [[[[new Map([[1, new Map()]])]]]]],
    { big: 2n ** 200n, t: [new Date(-1), new Date(8.64e15)], u: 2 ** 40, f: 1e300 },
  ]

  it('S43: 100,000 damaged blocks are decoded, or refused as damaged-value', () => {
    const random = randomFrom(20_260_314)
    const blocks = seeds.map((value) => encodeValue('k', value))
    const outcomes = { decoded: 0, refused: 0 }
    for (let run = 0; run < 100_000; run++) {
      const block = mutate(blocks[run % blocks.length] as Uint8Array, random)
      try {
        decodeValue('secret-key', block)
        outcomes.decoded++
      } catch (error) {
        const hex = Buffer.from(block).toString('hex')
        if (!(error instanceof SessionError) || error.code !== 'damaged-value') {
          throw new Error(`run ${run}, block ${hex}`, { cause: error })
        }
        outcomes.refused++
      }
    }
    expect(outcomes.decoded).toBeGreaterThan(10_000)
    expect(outcomes.refused).toBeGreaterThan(10_000)
    seeds.forEach((value) => expect(identical(copy(value), value)).toBe(true))
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('S43: 100,000 Maps, each directly inside the next, are refused without recursion', () => {
    const heads = Array.from({ length: 100_000 }, (_, at) => {
      const head = Buffer.from('c90000000003', 'hex')
      head.writeUInt32BE(1 + at * 6, 1)
      return head
    })
    const block = Uint8Array.from(Buffer.concat([...heads.toReversed(), Buffer.from('c0', 'hex')]))
    expect(() => decodeValue('k', block)).toThrow(SessionError)
  })

  it('names the key and shows nothing of the block', () => {
    const block = encodeValue('k', { password: SECRET }).slice(0, -1)
    expect(() => decodeValue('login', block)).toThrow(
      new SessionError('damaged-value', 'session.data.login is damaged in the store'),
    )
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['a second value after the first', '0101'],
    ['a byte that is no MessagePack', 'c1'],
    ['an extension of another kind', 'd40700'],
    ['a bigint without digits', 'c70002'],
    ['a bigint that is no number', 'd4027a'],
    ['a Map with an odd number of items', 'd5039101'],
    ['a Map of what is no array', 'd40301'],
    ['a Set of what is no array', 'd404c0'],
    ['a Date of an impossible length', 'd4ff00'],
    ['an object with a key that is an array', '819001'],
    ['an object with __proto__ as key', '81a95f5f70726f746f5f5f80'],
    ['a nested Map with bytes left over', 'c703039001c0'],
    ['more levels than a value may have', `${'91'.repeat(maxDepth + 1)}c0`],
    ['five bytes that announce 2^32 elements', 'ddffffffff'],
  ])('refuses %s', (_kind, hex) => {
    expect(() => decodeValue('k', Uint8Array.from(Buffer.from(hex, 'hex')))).toThrow(
      expect.objectContaining({ code: 'damaged-value' }),
    )
  })
})

function mutate(block: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = [...block]
  for (let left = 1 + random(3); left > 0; left--) {
    const at = random(bytes.length + 1)
    const way = random(6)
    if (way === 0) bytes.splice(at, 1 + random(4))
    else if (way === 1) bytes.splice(at, 0, random(256))
    else if (way === 2) bytes.length = Math.min(bytes.length, at + 1)
    else if (way === 3) bytes.splice(at, 0, ...bytes.slice(random(bytes.length + 1)))
    else if (way === 4) bytes[Math.min(at, bytes.length - 1)] = 0xc0 + random(32)
    else if (bytes.length > 0) bytes[at % bytes.length] = random(256)
  }
  return Uint8Array.from(bytes)
}

describe('the name of a property', () => {
  it('is written as it would be in code', () => {
    expect(['a', '$_9', 'a b', '9', '', 'é', 'a"b'].map(propertyName)).toEqual([
      '.a',
      '.$_9',
      '["a b"]',
      '["9"]',
      '[""]',
      '["é"]',
      '["a\\"b"]',
    ])
  })
})

function escape(text: string): string {
  return text.replace(/[()]/g, '\\$&')
}
