import { describe, expect, it } from 'vitest'
import { editOf, fake, put, valuesOf } from '../../test/fakes/context.ts'
import type { Outcome } from '../rules/next-step.ts'
import { NotWritable } from './edit.ts'
import type { Edit, Write, Written } from './edit.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { freshest, replayAll, settleAll } from './replay-batch.ts'

function writeOf(
  loaded: LoadedSession,
  values: Record<string, unknown>,
  { order = 0, ...edit }: Partial<Edit> & { readonly order?: number } = {},
): Write {
  return { step: 'save', loaded, order, edit: { ...editOf(loaded.record, values), ...edit } }
}

describe('freshest', () => {
  it('is what was loaded last, wherever it stands among the writes', async () => {
    const made = fake()
    const all = await Promise.all([1, 2, 3].map((n) => put(made, { n })))
    const writes = all.map((loaded, at) => writeOf(loaded, {}, { order: [5, 9, 7][at] as number }))
    expect(freshest(writes)).toBe(all[1])
    expect(freshest(writes.toReversed())).toBe(all[1])
  })
})

describe('replayAll', () => {
  it('replays one edit after the other, each onto what the others left', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1, b: 1 })
    const writes = [
      writeOf(loaded, { a: 2 }),
      writeOf(loaded, { b: undefined }),
      writeOf(loaded, { c: 3 }),
    ]
    const { record, errors } = await replayAll(made.context, loaded, writes)
    expect(valuesOf(record)).toEqual({ a: 2, c: 3 })
    expect(errors).toEqual([null, null, null])
  })

  it('takes what the plan has replayed only onto the record that the plan had', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const other = await put(made, { b: 1 })
    const write = writeOf(loaded, { a: 2 })
    expect((await replayAll(made.context, loaded, [write])).record).toBe(write.edit.record)
    expect(valuesOf((await replayAll(made.context, other, [write])).record)).toEqual({ a: 2, b: 1 })
    const second = writeOf(loaded, { c: 3 })
    const both = await replayAll(made.context, loaded, [write, second])
    expect(valuesOf(both.record)).toEqual({ a: 2, c: 3 })
  })

  it('rule 7: lets an edit that cannot be replayed end alone', async () => {
    const made = fake({ maxBytes: 1000 })
    const loaded = await put(made, {})
    const other = await put(made, {})
    const writes = [
      writeOf(other, { a: 'x'.repeat(600) }),
      writeOf(other, { b: 'y'.repeat(600) }),
      writeOf(other, { c: 1 }),
    ]
    const { record, errors } = await replayAll(made.context, loaded, writes)
    expect(Object.keys(valuesOf(record))).toEqual(['a', 'c'])
    expect(errors).toEqual([null, { error: expect.objectContaining({ code: 'too-large' }) }, null])
  })
})

describe('settleAll', () => {
  it('gives each write its own end, and an error to the one that has one', async () => {
    const loaded = await put(fake(), {})
    const writes = [writeOf(loaded, { a: 1 }), writeOf(loaded, { b: 1 })]
    const error = { error: new Error('too large') }
    const ends = settleAll(writes, [null, error], (write) => ({
      outcome: 'saved',
      tries: writes.indexOf(write) + 1,
    }))
    expect(ends).toEqual([{ result: { outcome: 'saved', tries: 1 } }, error])
  })

  it('a write that was not asked for and cannot be replayed is unchanged', async () => {
    const write = writeOf(await put(fake(), {}), {}, { isAsked: false })
    const asked = { ...write, edit: { ...write.edit, isAsked: true } }
    const errors = [{ error: new NotWritable('unavailable') }, { error: new Error('damaged') }]
    const end = (): Written => ({ outcome: 'saved', tries: 2 })
    expect(settleAll([write, write], errors, end)).toEqual([
      { result: { outcome: 'unchanged', tries: 2, keepsCookie: true } },
      errors[1],
    ])
    expect(settleAll([asked, asked], errors, end)).toEqual(errors)
  })

  it.each<[Outcome, Outcome, Partial<Written>]>([
    ['saved', 'unchanged', {}],
    ['gone', 'unchanged', { keepsCookie: true }],
    ['moved', 'unchanged', { keepsCookie: true }],
    ['conflict', 'unchanged', { keepsCookie: true }],
    ['unavailable', 'unavailable', {}],
    ['rotated', 'rotated', {}],
    ['renewed', 'renewed', {}],
  ])('a write that was not asked for and ends %s is %s', async (outcome, told, more) => {
    const write = writeOf(await put(fake(), {}), {}, { isAsked: false })
    const [end] = settleAll([write], [null], () => ({ outcome, tries: 1 }))
    expect(end).toEqual({ result: { outcome: told, tries: 1, ...more } })
    const asked = { ...write, edit: { ...write.edit, isAsked: true } }
    expect(settleAll([asked], [null], () => ({ outcome, tries: 1 }))).toEqual([
      { result: { outcome, tries: 1 } },
    ])
  })
})
