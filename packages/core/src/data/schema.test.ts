import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { SessionError } from '../errors.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { Blocks } from '../rules/diff-and-merge.ts'
import { checkBlocks, emptyBlocks, emptyOf, shapeBlocks, validate } from './schema.ts'
import type { SchemaResult, StandardSchema } from './schema.ts'
import { decodeValue, encodeValue } from './value.ts'
import { createSessions } from '../sessions/sessions.ts'

const visitor = v.object({ visits: v.optional(v.number(), 0), name: v.optional(v.string()) })

function schemaOf(answer: (value: unknown) => unknown): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => answer(value) as SchemaResult<unknown>,
    },
  }
}

describe('validate', () => {
  it('gives what the schema makes of a value: defaults, and no unknown keys', async () => {
    expect(await validate(visitor, { name: 'Zoë', more: 1 })).toEqual({ visits: 0, name: 'Zoë' })
  })

  it('gives null for what the schema refuses', async () => {
    expect(await validate(visitor, { visits: 'many' })).toBeNull()
    expect(
      await validate(
        schemaOf(() => ({ issues: [] })),
        {},
      ),
    ).toBeNull()
  })

  it('waits for a schema that takes its time', async () => {
    const slow = v.pipeAsync(
      v.object({ name: v.string() }),
      v.transformAsync(async ({ name }) => ({ name: await Promise.resolve(name.toUpperCase()) })),
    )
    expect(await validate(slow, { name: 'zoë' })).toEqual({ name: 'ZOË' })
    expect(await validate(slow, {})).toBeNull()
  })

  it('hands the value itself over, and gives the very object back', async () => {
    const value = {}
    const made = { made: true }
    const asked: unknown[] = []
    const schema = schemaOf((input) => {
      asked.push(input)
      return { value: made }
    })
    expect(await validate(schema, value)).toBe(made)
    expect(asked[0]).toBe(value)
  })

  it.each<[string, unknown]>([
    ['an array', []],
    ['text', 'x'],
    ['null', null],
    ['undefined', undefined],
    ['a number', 1],
    ['a function', () => {}],
  ])('refuses a schema whose output is %s', async (_kind, value) => {
    await expect(
      validate(
        schemaOf(() => ({ value })),
        {},
      ),
    ).rejects.toThrow(
      new SessionError(
        'invalid-schema',
        'The schema must give an object, with one key for each value',
      ),
    )
  })

  it('lets through what a schema throws', async () => {
    const thrown = new Error('the validator broke')
    const schema = schemaOf(() => {
      throw thrown
    })
    await expect(validate(schema, {})).rejects.toBe(thrown)
  })
})

describe('emptyOf', () => {
  it('gives what a new session begins with', async () => {
    expect(await emptyOf(visitor)).toEqual({ visits: 0 })
  })

  it('refuses a schema that refuses an empty session, and says what to do', async () => {
    await expect(emptyOf(v.object({ name: v.string() }))).rejects.toThrow(
      new SessionError(
        'invalid-schema',
        'The schema refuses an empty session: make every key optional, or give it a default',
      ),
    )
  })
})

describe('the blocks that a schema makes', () => {
  const stored = (values: object): Blocks =>
    new Map(Object.entries(values).map(([key, value]) => [key, encodeValue(key, value)]))
  const read = (blocks: Blocks): object =>
    Object.fromEntries([...blocks].map(([key, block]) => [key, decodeValue(key, block)]))
  const toNumber = v.object({ n: v.optional(v.pipe(v.string(), v.transform(Number)), '5') })

  it('D2: refuses a schema that refuses its own output, of an empty session and of a record', async () => {
    const error = new SessionError(
      'invalid-schema',
      'The schema refuses session.data.n as it has made it itself: it must accept its own output',
    )
    await expect(emptyBlocks(toNumber)).rejects.toThrow(error)
    await expect(shapeBlocks(toNumber, stored({ n: '7' }))).rejects.toThrow(error)
  })

  it('D1: keeps a key that it drops, unless that would change what it makes of the rest', async () => {
    const carries = schemaOf((given) => {
      const { name, ...rest } = given as { name?: string; other?: number }
      const { other: _other, ...kept } = rest
      return { value: name === undefined ? kept : { ...kept, names: [name] } }
    })
    const shape = await shapeBlocks(carries, stored({ name: 'ann', other: 1 }))
    expect([read(shape!.blocks), read(shape!.dropped)]).toEqual([
      { names: ['ann'] },
      { name: 'ann', other: 1 },
    ])
    const keep = (names: string[]): object => {
      const blocks = stored({ names })
      const changes = { set: blocks }
      const refuse = (path: string): SessionError => new SessionError('invalid-value', path)
      return read(checkBlocks(carries, { ...shape!, blocks }, changes, refuse) as Blocks)
    }
    expect(keep(['ann'])).toEqual({ name: 'ann', other: 1 })
    expect(keep(['bob'])).toEqual({})
  })

  /** With a list of what the schema was asked. */
  const watch = (schema: StandardSchema): { schema: StandardSchema; asked: unknown[] } => {
    const asked: unknown[] = []
    const watched = schemaOf((value) => {
      asked.push(value)
      return schema['~standard'].validate(value)
    })
    return { schema: watched, asked }
  }
  const renames = (rename: (name: string, names: string[]) => unknown): StandardSchema =>
    schemaOf((given) => {
      const { name, names = [] } = given as { name?: string; names?: string[] }
      return name === undefined ? { value: { names } } : rename(name, names)
    })
  const counts = schemaOf((given) => ({ value: { n: (given as { n: number }).n + 1 } }))
  const adds = renames((name, names) => ({ value: { names: [...names, name] } }))
  const startsAnew = renames((name, names) =>
    names.length > 0 ? { issues: [{ message: 'both' }] } : { value: { names: [name] } },
  )

  it.each<[string, StandardSchema, object, made: object | null, dropped: object, calls: number]>([
    ['refuses', visitor, { visits: 'many' }, null, {}, 1],
    ['leaves as it is', visitor, { visits: 1 }, { visits: 1 }, {}, 1],
    ['fills in', visitor, { name: 'ann' }, { visits: 0, name: 'ann' }, {}, 2],
    ['changes at every load', counts, { n: 1 }, { n: 2 }, {}, 2],
    ['drops a key of', visitor, { visits: 1, old: 2 }, { visits: 1 }, { old: 2 }, 2],
    [
      'would change again beside the key it drops',
      adds,
      { name: 'ann' },
      { names: ['ann'] },
      {},
      3,
    ],
    [
      'would refuse beside the key it drops',
      startsAnew,
      { name: 'ann' },
      { names: ['ann'] },
      {},
      3,
    ],
  ])(
    'D1: asks no more often than it must of a record that the schema %s',
    async (_what, of, values, made, dropped, calls) => {
      const { schema, asked } = watch(of)
      const shape = await shapeBlocks(schema, stored(values))
      if (made === null) expect(shape).toBeNull()
      else expect([read(shape!.blocks), read(shape!.dropped)]).toEqual([made, dropped])
      expect(asked).toHaveLength(calls)
    },
  )

  it('D2: asks once for each empty session, and once more for the first', async () => {
    const { schema, asked } = watch(visitor)
    expect(read(await emptyBlocks(schema))).toEqual({ visits: 0 })
    expect(asked).toEqual([{}, { visits: 0 }])
    expect(read(await emptyBlocks(schema))).toEqual({ visits: 0 })
    expect(asked).toEqual([{}, { visits: 0 }, {}])
  })

  const refusal = (path: string): SessionError => new SessionError('invalid-value', path)

  it('D1: asks once about a change where nothing was dropped', () => {
    const { schema, asked } = watch(visitor)
    const blocks = stored({ visits: 1 })
    expect(read(checkBlocks(schema, { blocks }, { set: blocks }, refusal) as Blocks)).toEqual({})
    expect(asked).toEqual([{ visits: 1 }])
  })

  it('D1: keeps of the keys that it drops those that were not set again', () => {
    const blocks = stored({ visits: 1, name: 'bob' })
    const shape = { blocks, dropped: stored({ name: 'ann', old: 1 }) }
    const kept = checkBlocks(visitor, shape, { set: blocks }, refusal)
    expect(read(kept as Blocks)).toEqual({ old: 1 })
  })

  it('D2: waits for a schema that takes its time over a change', async () => {
    const slow = v.pipeAsync(
      visitor,
      v.checkAsync(async ({ name }) => Promise.resolve(name !== 'secret')),
    )
    const check = async (values: object): Promise<object> => {
      const shape = { blocks: stored(values), dropped: stored({ old: 1 }) }
      return read(await checkBlocks(slow, shape, { set: shape.blocks }, refusal))
    }
    expect(await check({ visits: 1 })).toEqual({ old: 1 })
    await expect(check({ visits: 1, name: 'secret' })).rejects.toThrow(refusal('session.data'))
  })

  it.each<[string, object, object, string]>([
    ['a key', v.object({ n: v.number() }), { n: 'secret' }, 'session.data.n'],
    [
      'a path',
      v.object({ a: v.array(v.object({ 'b c': v.number() })) }),
      { a: [{ 'b c': 1 }, { 'b c': 'secret' }] },
      'session.data.a[1]["b c"]',
    ],
    [
      'several, three at most',
      v.object({ a: v.number(), b: v.number(), c: v.number(), d: v.number() }),
      { a: 'secret', b: 'x', c: 'x', d: 'x' },
      'session.data.a, session.data.b, session.data.c',
    ],
    [
      'the whole',
      v.pipe(
        v.object({ a: v.number() }),
        v.check(() => false, 'secret'),
      ),
      { a: 1 },
      'session.data',
    ],
    ['a key that it drops', v.object({}), { flash: 'secret' }, 'session.data.flash'],
    ['keys that it drops', v.object({}), { a: 'secret', b: 1 }, 'session.data.a, session.data.b'],
  ])('D2: names %s that it refuses, and no value', (_what, schema, values, names) => {
    const blocks = stored(values)
    const told: string[] = []
    const refuse = (path: string): SessionError => {
      told.push(path)
      return new SessionError('invalid-value', path)
    }
    const check = (): unknown =>
      checkBlocks(schema as StandardSchema, { blocks }, { set: blocks }, refuse)
    expect(check).toThrow(SessionError)
    expect(told).toEqual([names])
  })
})

describe('a session with a schema', () => {
  interface Visitor {
    cart: { items: string[] }
  }
  const empty: Visitor = { cart: { items: [] } }
  const schema: StandardSchema<unknown, Visitor> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => ({ value: { ...empty, ...(value as Partial<Visitor>) } }),
    },
  }

  it('S: what one visitor puts into a default reaches no other', async () => {
    const sessions = createSessions({ store: memoryStore(), schema })
    const { session: first, commit } = await sessions.open(null)
    first.data.cart.items.push('of the first')
    const { cookie } = await commit()
    const { session: other } = await sessions.open(null)
    expect(other.data.cart.items).toEqual([])
    const { session: again } = await sessions.open(`${cookie?.name}=${cookie?.value}`)
    expect(again.data.cart.items).toEqual(['of the first'])
  })

  it('T20: refuses late changes however deep, as without one', async () => {
    const { session, commit } = await createSessions({ store: memoryStore(), schema }).open(null)
    const { items } = session.data.cart
    await commit()
    expect(() => items.push('late')).toThrow(TypeError)
  })
})
