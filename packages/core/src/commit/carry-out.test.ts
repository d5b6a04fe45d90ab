import { describe, expect, it } from 'vitest'
import { editOf, fake, put, read, recordOf, valuesOf, writeOf } from '../../test-d/fakes/context.ts'
import type { Write } from './edit.ts'
import { carryOut, movesToken } from './carry-out.ts'

describe('carryOut', () => {
  it('S17: does nothing where there is nothing to do', async () => {
    const made = fake()
    for (const outcome of ['unchanged', 'discarded', 'unavailable'] as const) {
      expect(await carryOut(made.context, { step: 'nothing', outcome })).toEqual({
        outcome,
        tries: 0,
      })
    }
    expect(made.commands()).toEqual([])
  })

  it('S37: cannot confirm the end of a session whose cookie was not read', async () => {
    const made = fake()
    const plan = { step: 'destroy', address: null, loaded: null } as const
    expect(await carryOut(made.context, plan)).toEqual({ outcome: 'unconfirmed', tries: 0 })
    expect(made.commands()).toEqual([])
  })

  it('destroys with what was loaded, and without', async () => {
    const made = fake({ lifetime: { rotate: 60 } })
    for (const commands of [['delete'], ['load', 'delete']]) {
      const loaded = await put(made, {})
      const plan = { step: 'destroy', address: loaded.address } as const
      const written = await carryOut(made.context, {
        ...plan,
        loaded: commands.length === 1 ? loaded : null,
      })
      expect(written.outcome).toBe('destroyed')
      expect(made.commands()).toEqual(commands)
    }
  })

  it('creates', async () => {
    const made = fake()
    const plan = { step: 'create', edit: editOf(recordOf({}), { a: 1 }) } as const
    expect(await carryOut(made.context, plan)).toMatchObject({ outcome: 'created' })
    expect(made.commands()).toEqual(['create'])
  })

  it.each<[Write['step'], string, string[]]>([
    ['save', 'saved', ['save']],
    ['renew', 'renewed', ['create', 'delete']],
    ['rotate', 'rotated', ['create', 'save']],
  ])('rule 6: %s is %s, by %j', async (step, outcome, commands) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const written = await carryOut(made.context, writeOf(step, loaded, { a: 2 }))
    expect(written.outcome).toBe(outcome)
    expect(made.commands()).toEqual(commands)
  })

  it('S89: merges the saves of one session that are under way into one write', async () => {
    const made = fake()
    const loaded = await put(made, {})
    const saves = Array.from({ length: 32 }, (_, n) =>
      carryOut(made.context, writeOf('save', loaded, { [`key ${n}`]: n })),
    )
    const outcomes = (await Promise.all(saves)).map(({ outcome }) => outcome)
    expect(new Set(outcomes)).toEqual(new Set(['saved']))
    expect(made.commands()).toEqual(['save'])
    const { record } = (await read(made, loaded.address)) as typeof loaded
    expect(Object.keys(valuesOf(record))).toHaveLength(32)
  })

  it('lets the saves of other sessions go their own way', async () => {
    const made = fake()
    const [one, two] = [await put(made, {}), await put(made, {})]
    await Promise.all([
      carryOut(made.context, writeOf('save', one, { a: 1 })),
      carryOut(made.context, writeOf('save', two, { b: 1 })),
    ])
    expect(made.commands()).toEqual(['save', 'save'])
    expect(valuesOf((await read(made, two.address))!.record)).toEqual({ b: 1 })
  })

  it('T4: a save that waits for a renewal is gone, and one that comes before it is kept', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const [before, renewal, behind] = await Promise.all([
      carryOut(made.context, writeOf('save', loaded, { b: 1 })),
      carryOut(made.context, writeOf('renew', loaded, { c: 1 })),
      carryOut(made.context, writeOf('save', loaded, { d: 1 })),
    ])
    expect([before.outcome, renewal.outcome, behind.outcome]).toEqual(['saved', 'renewed', 'gone'])
    expect(renewal.address?.id).not.toBe(loaded.address.id)
    const { record } = (await read(made, renewal.address!)) as typeof loaded
    expect(valuesOf(record)).toEqual({ a: 1, b: 1, c: 1 })
  })

  it('fails one edit of a batch alone', async () => {
    const made = fake({ maxBytes: 1000 })
    const loaded = await put(made, {})
    const ends = await Promise.allSettled([
      carryOut(made.context, writeOf('save', loaded, { a: 1 })),
      carryOut(made.context, writeOf('save', { ...loaded }, { b: 'x'.repeat(2000) })),
    ])
    expect(ends).toMatchObject([
      { status: 'fulfilled', value: { outcome: 'saved' } },
      { status: 'rejected', reason: { code: 'too-large' } },
    ])
  })

  it('fails a move alone, and goes on with what waits behind it', async () => {
    const made = fake()
    const loaded = await put(made, {})
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    made.store.fail('create', () => Promise.reject(fault))
    const ends = await Promise.allSettled([
      carryOut(made.context, writeOf('renew', loaded, {})),
      carryOut(made.context, writeOf('save', loaded, { a: 1 })),
    ])
    expect(ends).toMatchObject([
      { status: 'rejected', reason: fault },
      { status: 'fulfilled', value: { outcome: 'saved' } },
    ])
  })
})

describe('movesToken', () => {
  it('is what a renewal and a rotation do, and a save does not', async () => {
    const loaded = await put(fake(), {})
    const moves = (['save', 'renew', 'rotate'] as const).filter((step) =>
      movesToken(writeOf(step, loaded, {})),
    )
    expect(moves).toEqual(['renew', 'rotate'])
  })
})
