import type { Case, World } from '../case.ts'
import { equal, fails } from '../check.ts'
import { setUp } from '../desk.ts'
import type { Values } from '../desk.ts'

const values: readonly [what: string, value: unknown][] = [
  ['null', null],
  ['undefined', undefined],
  ['a boolean', true],
  ['an integer above 2^32', 2 ** 53 - 1],
  ['a fraction', 0.1],
  ['negative zero', -0],
  ['a large bigint', 2n ** 200n],
  ['a negative bigint', -1n],
  ['text beyond the BMP', 'é 🧥 \u0000'],
  ['a long text', 'x'.repeat(5000)],
  ['a date', new Date(1_700_000_000_123)],
  [
    'a map',
    new Map<unknown, unknown>([
      [1, 'a'],
      ['b', new Date(0)],
    ]),
  ],
  ['a set', new Set([1, 'a', null])],
  ['bytes', Uint8Array.of(0, 1, 255)],
  ['objects in arrays', [{ a: [{ b: [] }] }, {}]],
]

class Coat {}

const refused: readonly [what: string, value: () => unknown][] = [
  ['a function', () => () => {}],
  ['a symbol', () => Symbol('s')],
  ['an instance of a class', () => new Coat()],
  ['a Response', () => new Response()],
  [
    'an object in itself',
    () => {
      const loop: { self?: unknown } = {}
      loop.self = loop
      return loop
    },
  ],
]

/** Two requests that load the same session; the second commits first. */
const merges: readonly [
  what: string,
  merge: (world: World) => Values | undefined,
  first: (data: Values) => void,
  second: (data: Values) => void,
  merged: Values,
][] = [
  [
    'two keys',
    () => undefined,
    (d) => void (d['a'] = 2),
    (d) => void (d['b'] = 2),
    { n: 1, a: 2, b: 2 },
  ],
  [
    'one key: the later save wins',
    () => undefined,
    (d) => void (d['n'] = 2),
    (d) => void (d['n'] = 3),
    { n: 2 },
  ],
  [
    'a deletion beside a change',
    () => undefined,
    (d) => void delete d['n'],
    (d) => void (d['b'] = 1),
    { b: 1 },
  ],
  [
    'sum',
    ({ core }) => ({ n: core.sum }),
    (d) => void (d['n'] = 6),
    (d) => void (d['n'] = 11),
    { n: 16 },
  ],
  [
    'max',
    ({ core }) => ({ n: core.max }),
    (d) => void (d['n'] = 6),
    (d) => void (d['n'] = 11),
    { n: 11 },
  ],
  [
    'min',
    ({ core }) => ({ n: core.min }),
    (d) => void (d['n'] = -6),
    (d) => void (d['n'] = -1),
    { n: -6 },
  ],
  [
    'union',
    ({ core }) => ({ t: core.union }),
    (d) => void (d['t'] = ['a']),
    (d) => void (d['t'] = ['b']),
    { n: 1, t: ['b', 'a'] },
  ],
  [
    'byKey',
    ({ core }) => ({ t: core.byKey }),
    (d) => void (d['t'] = { x: 1 }),
    (d) => void (d['t'] = { y: 1 }),
    { n: 1, t: { x: 1, y: 1 } },
  ],
]

export const valuesAndMerge: readonly Case[] = [
  ...values.map(([what, value]): Case => ({
    feature: 'values',
    name: `${what} comes back as it was`,
    async run(world) {
      const { visit } = setUp(world)
      const { cookie } = await visit('', ({ data }) => void (data['value'] = value))
      equal((await visit(cookie)).data, { value })
    },
  })),
  ...refused.map(([what, value]): Case => ({
    feature: 'values',
    name: `${what} is refused, naming the key`,
    async run(world) {
      const { visit } = setUp(world)
      await fails(() => visit('', ({ data }) => void (data['coat'] = value())), 'coat')
    },
  })),
  {
    feature: 'values',
    name: 'a session over maxBytes is refused, naming the key',
    async run(world) {
      const { visit, trips } = setUp(world, { maxBytes: 1000 })
      await fails(() => visit('', ({ data }) => void (data['coat'] = 'x'.repeat(1000))), 'coat')
      equal(trips(), 0)
    },
  },
  ...merges.map(([what, merge, first, second, merged]): Case => ({
    feature: 'merge',
    name: what,
    async run(world) {
      const { sessions, visit } = setUp(world, { merge: (merge(world) ?? {}) as never })
      const { cookie } = await visit('', ({ data }) => void (data['n'] = 1))
      const [one, two] = await Promise.all([sessions.open(cookie), sessions.open(cookie)])
      first(one.session.data)
      second(two.session.data)
      await two.commit()
      equal((await one.commit()).outcome, 'saved')
      equal((await visit(cookie)).data, merged)
    },
  })),
  {
    feature: 'merge',
    name: 'fifty requests at once lose nothing',
    async run(world) {
      const { sessions, visit } = setUp(world)
      const { cookie } = await visit('', ({ data }) => void (data['n'] = 1))
      const all = await Promise.all(Array.from({ length: 50 }, () => sessions.open(cookie)))
      await Promise.all(
        all.map(({ session, commit }, at) => {
          session.data[`key${at}`] = at
          return commit()
        }),
      )
      equal(Object.keys((await visit(cookie)).data).length, 51)
    },
  },
]
