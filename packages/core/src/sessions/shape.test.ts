import { describe, expect, it } from 'vitest'
import { blocksOf, fake, newAddress, put, valuesOf } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import type { StandardSchema } from '../data/schema.ts'
import { insecure, nothingFound } from '../load/load.ts'
import type { Found } from '../load/load.ts'
import { shape } from './shape.ts'

type Values = Record<string, unknown>

const schemaOf = (check: (value: Values) => Values | null): StandardSchema<unknown, object> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const output = check(value as Values)
      return output === null ? { issues: [{ message: 'no' }] } : { value: output }
    },
  },
})

/** Gives every session `visits`, and takes none with a user that is no text. */
const visitor = schemaOf((value) =>
  'user' in value && typeof value['user'] !== 'string' ? null : { visits: 0, ...value },
)

async function live(made: Fake, values: Values): Promise<Found> {
  const loaded = await put(made, values)
  return { state: 'live', address: loaded.address, loaded, isSeenDue: false }
}

describe('shape', () => {
  it('gives the blocks that were loaded, and decodes none', async () => {
    const made = fake()
    const found = await live(made, { a: 1 })
    const shaped = await shape(made.context, found)
    expect(shaped.found).toBe(found)
    expect(shaped.base).toBe(found.loaded?.record.blocks)
    expect(shaped.data.blocks()).toEqual(shaped.base)
    expect(shaped.data.object).toEqual({ a: 1 })
  })

  it('gives empty data without a session', async () => {
    const { context } = fake()
    for (const found of [nothingFound, insecure]) {
      const shaped = await shape(context, found)
      expect(shaped.found).toBe(found)
      expect([shaped.base, shaped.data.object]).toEqual([new Map(), {}])
    }
  })
})

describe('shape, with a schema', () => {
  it('rule 13: has what the schema made of it as base, so that defaults are no change', async () => {
    const made = fake({ schema: visitor })
    const { found, data, base } = await shape(made.context, await live(made, { user: 'ada' }))
    expect(found.state).toBe('live')
    expect(data.object).toEqual({ user: 'ada', visits: 0 })
    expect(valuesOf({ blocks: base })).toEqual({ user: 'ada', visits: 0 })
    expect(data.blocks()).toEqual(base)
  })

  it('begins with what the schema makes of an empty session', async () => {
    const { context } = fake({ schema: visitor })
    for (const found of [nothingFound, insecure]) {
      const shaped = await shape(context, found)
      expect(shaped.found).toBe(found)
      expect(shaped.data.object).toEqual({ visits: 0 })
      expect(shaped.base).toEqual(blocksOf({ visits: 0 }))
    }
  })

  it('rule 5: gives each visitor a copy of a default, never the object of the schema', async () => {
    const shared = { tags: ['a'] }
    const { context } = fake({ schema: schemaOf(() => shared) })
    const [one, other] = [await shape(context, nothingFound), await shape(context, nothingFound)]
    ;(one.data.object as { tags: string[] }).tags.push('mine')
    expect(other.data.object).toEqual({ tags: ['a'] })
    expect(shared).toEqual({ tags: ['a'] })
  })

  it('T17: takes a record that the schema refuses for unreadable, and says so', async () => {
    const made = fake({ schema: visitor })
    const found = await live(made, { user: 5 })
    const shaped = await shape(made.context, found)
    expect(shaped.found).toEqual({
      state: 'unreadable',
      address: found.address,
      loaded: null,
      isSeenDue: false,
      why: 'schema',
    })
    expect(shaped.data.object).toEqual({ visits: 0 })
    const idPrefix = found.address?.id.slice(0, 8)
    expect(made.events).toEqual([{ type: 'record.unreadable', idPrefix, reason: 'schema' }])
  })

  it('says nothing of a schema for what was not loaded', async () => {
    const made = fake({ schema: visitor })
    const address = await newAddress(made)
    for (const state of ['unreadable', 'unavailable'] as const) {
      const found = { state, address, loaded: null, isSeenDue: false }
      const shaped = await shape(made.context, found)
      expect(shaped.found).toBe(found)
      expect(shaped.data.object).toEqual({ visits: 0 })
    }
    expect(made.events).toEqual([])
  })

  it('rejects if the schema refuses an empty session', async () => {
    const made = fake({ schema: schemaOf((value) => ('user' in value ? value : null)) })
    expect((await shape(made.context, await live(made, { user: 'ada' }))).found.state).toBe('live')
    await expect(shape(made.context, nothingFound)).rejects.toMatchObject({
      code: 'invalid-schema',
    })
  })

  it('hands the schema a copy of the data, which it may change', async () => {
    const made = fake({
      schema: schemaOf((value) => {
        value['b'] = 2
        return value
      }),
    })
    const found = await live(made, { a: 1 })
    const shaped = await shape(made.context, found)
    expect(shaped.data.object).toEqual({ a: 1, b: 2 })
    expect(valuesOf(found.loaded!.record)).toEqual({ a: 1 })
  })
})
