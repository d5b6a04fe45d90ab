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
