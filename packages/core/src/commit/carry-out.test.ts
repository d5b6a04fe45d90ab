import { describe, expect, it } from 'vitest'
import {
  after,
  editOf,
  fake,
  put,
  read,
  recordOf,
  valuesOf,
  writeOf,
} from '../../test/fakes/context.ts'
import type { Found } from '../load/load.ts'
import { insecure, nothingFound } from '../load/load.ts'
import type { Write } from './edit.ts'
import { batchLength, carryOut } from './carry-out.ts'

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
    const plan = { step: 'destroy', found: insecure } as const
    expect(await carryOut(made.context, plan)).toEqual({ outcome: 'unconfirmed', tries: 0 })
    expect(made.commands()).toEqual([])
  })

  it('destroys with what was loaded, and without', async () => {
    const made = fake({ lifetime: { rotate: 60 } })
    for (const commands of [['delete'], ['load', 'delete']]) {
      const loaded = await put(made, {})
      const { address } = loaded
      const known = commands.length === 1 ? loaded : null
      const found: Found = { ...nothingFound, state: 'live', address, loaded: known }
      const written = await carryOut(made.context, { step: 'destroy', found })
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
    ['renew', 'renewed', ['create', 'save']],
    ['rotate', 'rotated', ['save', 'load', 'create', 'save']],
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
    const saves = Array.from({ length: 32 }, async (_, n) =>
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

  it('rule 4: merges the saves that arrive with a renewal into it', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const [before, renewal, behind] = await Promise.all([
      carryOut(made.context, writeOf('save', loaded, { b: 1 })),
      carryOut(made.context, writeOf('renew', loaded, { c: 1 })),
      carryOut(made.context, writeOf('save', loaded, { d: 1 })),
    ])
    expect([before.outcome, renewal.outcome, behind.outcome]).toEqual(['saved', 'renewed', 'saved'])
    expect(renewal.address?.id).not.toBe(loaded.address.id)
    const { record } = (await read(made, renewal.address!)) as typeof loaded
    expect(valuesOf(record)).toEqual({ a: 1, b: 1, c: 1, d: 1 })
    expect([before.createdAt, behind.createdAt]).toEqual([undefined, undefined])
    expect(made.commands()).toEqual(['create', 'save'])
  })

  it('rule 4: a save that arrives after the mark was placed is told that the session has moved', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const renewal = carryOut(made.context, writeOf('renew', loaded, {}))
    let late: Promise<unknown> = Promise.resolve()
    made.store.fail(
      'save',
      after(
        () =>
          void (late = Promise.resolve(carryOut(made.context, writeOf('save', loaded, { d: 1 })))),
      ),
    )
    const { outcome, address } = await renewal
    expect(outcome).toBe('renewed')
    expect(await late).toMatchObject({ outcome: 'moved' })
    expect(valuesOf((await read(made, address!))!.record)).toEqual({ a: 1 })
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

  it('fails all of a move by a fault in the set-up, and goes on with what comes later', async () => {
    const made = fake()
    const loaded = await put(made, {})
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    made.store.fail('create', () => Promise.reject(fault))
    const renewal = carryOut(made.context, writeOf('renew', loaded, {}))
    const beside = carryOut(made.context, writeOf('save', loaded, { a: 1 }))
    expect(await Promise.allSettled([renewal, beside])).toEqual([
      { status: 'rejected', reason: fault },
      { status: 'rejected', reason: fault },
    ])
    expect(await carryOut(made.context, writeOf('save', loaded, { a: 1 }))).toMatchObject({
      outcome: 'saved',
    })
  })
})

describe('batchLength', () => {
  it('takes any number of saves and rotations, and one renewal or sign-in at most', async () => {
    const loaded = await put(fake(), {})
    const lengthOf = (...steps: Write['step'][]): number =>
      batchLength(steps.map((step) => writeOf(step, loaded, {})))
    expect(lengthOf('save', 'rotate', 'save')).toBe(3)
    expect(lengthOf('save', 'renew', 'save', 'rotate')).toBe(4)
    expect(lengthOf('save', 'renew', 'save', 'sign-in', 'save')).toBe(3)
    expect(lengthOf('sign-in', 'renew')).toBe(1)
    expect(lengthOf()).toBe(0)
  })
})
