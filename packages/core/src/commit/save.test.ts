import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  after,
  answered,
  change,
  day,
  end,
  entryAt,
  fake,
  forwarding,
  lost,
  newAddress,
  put,
  read,
  recordOf,
  refused,
  renewing,
  second,
  setting,
  start,
  valuesOf,
  writeOf,
} from '../../test/fakes/context.ts'
import type { Fake, Fault } from '../../test/fakes/context.ts'
import { SessionError } from '../errors.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { sum } from '../rules/resolvers.ts'
import { backoffTime } from '../rules/retry-limits.ts'
import type { CommitContext } from './context.ts'
import type { Write, Written } from './edit.ts'
import { saveAll } from './save.ts'

/** A save alone in its batch. */
async function save(context: CommitContext, write: Write): Promise<Written> {
  const [end] = await saveAll(context, [write])
  if (end === undefined || 'error' in end) throw end?.error
  return end.result
}

async function valuesAt(made: Fake, { address }: LoadedSession): Promise<unknown> {
  const found = await read(made, address)
  return found && valuesOf(found.record)
}

describe('save', () => {
  it('rule 6: is one command, and moves the expiry', async () => {
    const made = fake({ lifetime: { idle: 60 } })
    const loaded = await put(made, { a: 1, b: 1 })
    made.clock.now += 5 * second
    const written = await save(made.context, writeOf('save', loaded, { a: 2, c: 3 }))
    expect(written).toEqual({ outcome: 'saved', tries: 1, address: loaded.address })
    expect(made.commands()).toEqual(['save'])
    expect(await valuesAt(made, loaded)).toEqual({ a: 2, b: 1, c: 3 })
    expect(made.store.expiries.get(loaded.address.id)).toBe(start + 65 * second)
  })

  it('rule 6: sends what the plan has replayed already, as it is', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const planned = recordOf({ planned: true })
    await save(made.context, writeOf('save', loaded, { a: 2 }, { record: planned }))
    expect(await valuesAt(made, loaded)).toEqual({ planned: true })
  })

  it('S9: never moves the expiry past the absolute end', async () => {
    const made = fake({ lifetime: { idle: 60, absolute: 90 } })
    const loaded = await put(made, {})
    made.clock.now += 50 * second
    await save(made.context, writeOf('save', loaded, { a: 1 }))
    expect(made.store.expiries.get(loaded.address.id)).toBe(start + 90 * second)
  })

  it('S9: is gone at the absolute end, and sends nothing', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, {})
    made.clock.now += 90 * second
    const written = await save(made.context, writeOf('save', loaded, { a: 1 }))
    expect(written).toMatchObject({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual([])
  })

  it('S88: adds the id of the write, drawn from the random source, and counts it', async () => {
    const made = fake({ testing: { random: (bytes) => bytes.fill(5) } })
    const loaded = await put(
      made,
      {},
      { writes: { count: 3, ids: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3) } },
    )
    await save(made.context, writeOf('save', loaded, { a: 1 }))
    expect((await read(made, loaded.address))?.record.writes).toEqual({
      count: 4,
      ids: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 5, 5, 5, 5),
    })
  })

  it('CVE-2025-46336: is gone if the session has ended, and brings nothing back', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    await end(made, loaded)()
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual(['save'])
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('S45: is gone if the session ends between a conflict and the next try', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', after(change(made, loaded, setting({ b: 1 }))))
    made.store.fail('load', after(end(made, loaded)))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'gone', tries: 1 })
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('passes on the error of a fault in the set-up', async () => {
    const made = fake()
    const loaded = await put(made, {})
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    made.store.fail('save', () => Promise.reject(fault))
    await expect(save(made.context, writeOf('save', loaded, { a: 1 }))).rejects.toBe(fault)
  })
})

describe('a conflict', () => {
  it('rule 4: is merged onto what the store has now, after a wait', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1, b: 1, c: 1 })
    made.store.fail('save', after(change(made, loaded, setting({ b: 2 }))))
    const written = await save(made.context, writeOf('save', loaded, { a: 2, c: undefined }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 2 })
    expect(made.commands()).toEqual(['save', 'load', 'save'])
    expect(made.waits).toEqual([1])
    expect(await valuesAt(made, loaded)).toEqual({ a: 2, b: 2 })
  })

  it('rule 4: is merged however often the session was saved before', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { writes: { count: 100, ids: new Uint8Array(12) } })
    made.store.fail('save', after(change(made, loaded, setting({ b: 2 }))))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 2 })
    expect(await valuesAt(made, loaded)).toEqual({ a: 2, b: 2 })
  })

  it('settles a key that both changed by its resolver', async () => {
    const made = fake({ merge: { visits: sum } as never })
    const loaded = await put(made, { visits: 1 })
    made.store.fail('save', after(change(made, loaded, setting({ visits: 11 }))))
    await save(made.context, writeOf('save', loaded, { visits: 2 }))
    expect(await valuesAt(made, loaded)).toEqual({ visits: 12 })
  })

  it('rule 7: throws if what is merged is too large, and the stored session stands', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    made.store.fail('save', after(change(made, loaded, setting({ b: 'x'.repeat(1000) }))))
    const saving = save(made.context, writeOf('save', loaded, { a: 'y'.repeat(1000) }))
    await expect(saving).rejects.toMatchObject({ code: 'too-large' })
    expect(await valuesAt(made, loaded)).toEqual({ b: 'x'.repeat(1000) })
    expect(made.commands()).toEqual(['save', 'load'])
  })

  it('S32: ends after 16 writes, with waits that grow', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', ...Array.from({ length: 20 }, () => answered('conflict')))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'conflict', tries: 16 })
    expect(made.commands().filter((command) => command === 'save')).toHaveLength(16)
    expect(made.waits).toEqual(Array.from({ length: 15 }, (_, at) => at + 1))
    expect(await valuesAt(made, loaded)).toEqual({ a: 1 })
  })

  it.each([
    [950, 'saved', 3],
    [1000, 'conflict', 2],
  ])('S32: with %i ms between two tries it is %s', async (milliseconds, outcome, tries) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const slow: Fault = async () => {
      await made.runLoop(milliseconds)
      return 'conflict'
    }
    made.store.fail('save', answered('conflict'), slow, answered('saved'))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome, tries })
  })

  it('rule 6, G8: time in which the process was blocked does not count', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const blocked: Fault = async () => {
      made.clock.now += 5000
      await made.runLoop(50)
      return 'conflict'
    }
    made.store.fail('save', ...Array.from({ length: 15 }, () => blocked), answered('saved'))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 16 })
  })

  it('rule 2: is unavailable if the store cannot be asked again', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', answered('conflict'))
    made.store.fail('load', refused)
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'unavailable', tries: 1 })
  })

  it('follows a forward to the new token, whose session it saves', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const moved = await put(made, { a: 1 })
    made.store.fail('save', after(change(made, loaded, forwarding(moved.address.token))))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'saved', tries: 2, address: moved.address })
    expect(await valuesAt(made, moved)).toEqual({ a: 2 })
  })
})

describe('a lost answer', () => {
  it('S88: is settled by the write id: it was stored', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', lost)
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 1 })
    expect(made.commands()).toEqual(['save', 'load'])
    expect(made.waits).toEqual([])
  })

  it('S88: is settled by the write id: it was not stored, and is sent again', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', refused)
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 2 })
    expect(made.commands()).toEqual(['save', 'load', 'save'])
    expect(await valuesAt(made, loaded)).toEqual({ a: 2 })
  })

  it('S88: does not add twice what was stored, however often others save after it', async () => {
    for (let others = 0; others <= 16; others++) {
      const made = fake({ merge: { visits: sum } as never })
      const loaded = await put(made, { visits: 1 })
      made.store.fail('save', async (run) => {
        await lost(run).catch(() => {})
        for (let n = 0; n < others; n++) await change(made, loaded, setting({ other: n }))()
        throw new Error('timed out')
      })
      const written = await save(made.context, writeOf('save', loaded, { visits: 2 }))
      expect(written.outcome).toBe(others < 16 ? 'saved' : 'unavailable')
      expect(await valuesAt(made, loaded)).toMatchObject({ visits: 2 })
    }
  })

  it('S88: is unavailable if so many others saved that the id would be forgotten', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', async () => {
      for (let n = 0; n < 17; n++) await change(made, loaded, setting({ other: n }))()
      throw new Error('refused')
    })
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'unavailable', tries: 1 })
    expect(await valuesAt(made, loaded)).toMatchObject({ a: 1 })
  })

  it('S88: counts the writes from the first try whose answer was lost', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const nineOthers: Fault = async () => {
      for (let n = 0; n < 9; n++) await change(made, loaded, setting({ other: n }))()
      throw new Error('refused')
    }
    made.store.fail('save', nineOthers, nineOthers)
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'unavailable', tries: 2 })
  })

  it('rule 3: is never gone: what has ended since may have had the change', async () => {
    const endings: Record<string, (made: Fake, loaded: LoadedSession) => void> = {
      'before it is read again': (made, loaded) =>
        made.store.fail('load', after(end(made, loaded))),
      'before it is sent again': (made, loaded) =>
        made.store.fail('save', after(end(made, loaded))),
      'at its absolute end': (made) =>
        made.store.fail(
          'load',
          after(() => (made.clock.now += day)),
        ),
      'out of reach': (made) => made.store.fail('load', refused),
      'in an outage that goes on': (made) =>
        made.store.fail('save', ...Array.from({ length: 15 }, () => refused)),
    }
    for (const [name, arrange] of Object.entries(endings)) {
      const made = fake({ lifetime: { absolute: 86_400 } })
      const loaded = await put(made, { a: 1 })
      made.store.fail('save', refused)
      arrange(made, loaded)
      const { outcome } = await save(made.context, writeOf('save', loaded, { a: 2 }))
      expect([name, outcome]).toEqual([name, 'unavailable'])
    }
  })

  it('rule 3: is unavailable, not a conflict, if conflicts follow to the end', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const conflicts = Array.from({ length: 15 }, () => answered('conflict'))
    made.store.fail('save', refused, ...conflicts)
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'unavailable', tries: 16 })
  })

  it('rule 3: is unavailable, not moved, if the session was renewed since', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', refused)
    made.store.fail('load', renewing(made, loaded, await newAddress(made)))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'unavailable', tries: 1 })
  })
})

describe('a save beside a move', () => {
  it('rule 4: is moved if the session was renewed meanwhile, and stores nothing', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const target = await newAddress(made)
    made.store.fail('save', renewing(made, loaded, target))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'moved', tries: 1 })
    expect(made.commands()).toEqual(['save', 'load'])
    expect(await entryAt(made, loaded)).toMatchObject({ kind: 'moved', id: target.id })
  })

  it('rule 4: waits while a request moves the session, and sends nothing until then', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 400 })
    const context = { ...made.context, backOff: async () => void (made.clock.now += 100) }
    const written = await save(context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 1 })
    expect(made.commands()).toEqual(['load', 'load', 'load', 'load', 'save'])
    const { record } = (await read(made, loaded.address)) as LoadedSession
    expect(valuesOf(record)).toEqual({ a: 2 })
    expect(record.movingUntil).toBe(0)
  })

  it('rule 4: goes on under the new token when the rotation is done for which it waited', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 400 })
    const moved = await put(made, { a: 1 })
    made.store.fail('load', after(change(made, loaded, forwarding(moved.address.token))))
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'saved', tries: 1, address: moved.address })
    expect(await valuesAt(made, moved)).toEqual({ a: 2 })
  })

  it('rule 4: outlasts the hold of a request that ended without a word', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 500 })
    for (const chance of [0.3, 0.5, 1]) {
      made.clock.now = start
      const backOff = async (tries: number): Promise<void> =>
        void (made.clock.now += backoffTime(chance, tries))
      const written = await save({ ...made.context, backOff }, writeOf('save', loaded, { a: 2 }))
      expect([chance, written.outcome]).toEqual([chance, 'saved'])
      await change(made, loaded, (record) => ({ ...record, movingUntil: start + 500 }))()
    }
  })

  it('rule 4: waits for no mark that is further ahead than a move can take', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 501 })
    expect(await save(made.context, writeOf('save', loaded, { a: 2 }))).toMatchObject({
      outcome: 'saved',
      tries: 1,
    })
    expect(made.commands()).toEqual(['save'])
  })

  it('S32: is a conflict after 64 waits, and nothing was sent', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 400 })
    const written = await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'conflict' })
    expect(made.waits).toHaveLength(64)
    expect(made.commands()).toEqual(Array(64).fill('load'))
  })

  it('rule 4: marks the token as used, and keeps that through a conflict', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { isTokenUnused: true })
    made.store.fail('save', after(change(made, loaded, setting({ b: 1 }))))
    const used = writeOf('save', loaded, {}, { usesToken: loaded.record.rotatedAt, isAsked: false })
    expect(await save(made.context, used)).toMatchObject({ outcome: 'unchanged', tries: 2 })
    const { record } = (await read(made, loaded.address)) as LoadedSession
    expect(record.isTokenUnused).toBe(false)
    expect(valuesOf(record)).toEqual({ a: 1, b: 1 })
  })

  it('rule 4: leaves the token unused if it was saved by the old one', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { isTokenUnused: true })
    await save(made.context, writeOf('save', loaded, { a: 2 }))
    expect((await read(made, loaded.address))?.record.isTokenUnused).toBe(true)
  })

  it('is no failure of a request that asked for nothing, but an outage is', async () => {
    for (const [fault, outcome] of [
      [answered('missing'), 'unchanged'],
      [refused, 'unavailable'],
    ] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 }, { isTokenUnused: true })
      made.store.fail('save', ...Array.from({ length: 16 }, () => fault))
      const used = writeOf(
        'save',
        loaded,
        {},
        { usesToken: loaded.record.rotatedAt, isAsked: false },
      )
      expect((await save(made.context, used)).outcome).toBe(outcome)
    }
  })
})

describe('the time that a save takes', () => {
  /** Whose waits before another try take these times in the event loop, one after the other. */
  const waitingFor = (made: Fake, ...times: number[]): CommitContext => ({
    ...made.context,
    backOff: async () => made.runLoop(times.shift() ?? 0),
  })
  const slow =
    (made: Fake, milliseconds: number): Fault =>
    async () => {
      await made.runLoop(milliseconds)
      return 'conflict'
    }
  const held = (made: Fake, loaded: LoadedSession): Fault =>
    after(change(made, loaded, (record) => ({ ...record, movingUntil: made.clock.now + 450 })))

  it.each([
    ['one that is short of a second', 950, 'saved', 3],
    ['a second', 1000, 'conflict', 2],
  ])('S32: counts a wait after a conflict: %s', async (_name, milliseconds, outcome, tries) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', answered('conflict'), answered('conflict'))
    const context = waitingFor(made, milliseconds)
    const written = await save(context, writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome, tries })
  })

  it('rule 4: does not count a wait for a move', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', held(made, loaded), slow(made, 500))
    const written = await save(waitingFor(made, 0, 600), writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', tries: 3 })
  })

  it.each([
    [400, 'saved', 4],
    [600, 'conflict', 3],
  ])('S32: counts what came before and after it: %i ms more', async (more, outcome, tries) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const busyThenHeld: Fault = async (run) => {
      await made.runLoop(500)
      return held(made, loaded)(run)
    }
    made.store.fail('save', answered('conflict'), busyThenHeld, slow(made, more))
    const written = await save(waitingFor(made, 0, 0, 500), writeOf('save', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome, tries })
  })

  it('looks at the clock no more when it has ended', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    let looks = 0
    const waitIdly = async (milliseconds: number): Promise<void> => {
      looks++
      return made.context.waitIdly(milliseconds)
    }
    made.store.fail('save', answered('conflict'))
    await save({ ...made.context, waitIdly }, writeOf('save', loaded, { a: 2 }))
    await made.runLoop(500)
    expect(looks).toBe(1)
  })
})

describe('saveAll', () => {
  it('S89: merges all edits into one write, in their order', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const again = (await read(made, loaded.address)) as LoadedSession
    const ends = await saveAll(made.context, [
      writeOf('save', loaded, { a: 2, b: 1 }),
      writeOf('save', again, { b: 2, c: 1 }),
      writeOf('save', again, { c: 2 }),
    ])
    const result = { outcome: 'saved', tries: 1, address: loaded.address }
    expect(ends).toEqual([{ result }, { result }, { result }])
    expect(made.commands()).toEqual(['save'])
    expect(await valuesAt(made, loaded)).toEqual({ a: 2, b: 2, c: 2 })
  })

  it.each([
    [0, 1],
    [1, 0],
  ])('saves onto the record that was loaded last: arrival %i, %i', async (...arrival) => {
    const made = fake()
    const old = await put(made, { a: 1 })
    await change(made, old, setting({ b: 1 }))()
    const fresh = (await read(made, old.address)) as LoadedSession
    const writes = [
      writeOf('save', old, { c: 1 }, { order: 4 }),
      writeOf('save', fresh, { d: 1 }, { order: 5 }),
    ] as const
    await saveAll(
      made.context,
      arrival.map((at) => writes[at as 0]),
    )
    expect(made.commands()).toEqual(['save'])
    expect(await valuesAt(made, old)).toEqual({ a: 1, b: 1, c: 1, d: 1 })
  })

  it('lets one edit that cannot be replayed fail alone', async () => {
    const made = fake({ maxBytes: 1000 })
    const loaded = await put(made, { a: 1 })
    const ends = await saveAll(made.context, [
      writeOf('save', loaded, { b: 1 }),
      writeOf('save', { ...loaded }, { c: 'x'.repeat(2000) }),
      writeOf('save', { ...loaded }, { d: 1 }),
    ])
    const result = { outcome: 'saved', tries: 1, address: loaded.address }
    expect(ends).toEqual([{ result }, { error: expect.any(SessionError) as unknown }, { result }])
    expect(await valuesAt(made, loaded)).toEqual({ a: 1, b: 1, d: 1 })
  })

  it('sends nothing more if none of them can be replayed after a conflict', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', after(change(made, loaded, setting({ b: 'x'.repeat(1200) }))))
    const ends = await saveAll(made.context, [
      writeOf('save', loaded, { c: 'y'.repeat(1000) }),
      writeOf('save', loaded, { d: 'z'.repeat(1000) }),
    ])
    const error = expect.objectContaining({ code: 'too-large' }) as unknown
    expect(ends).toEqual([{ error }, { error }])
    expect(made.commands()).toEqual(['save', 'load'])
  })

  it('tells all of one batch the same outcome', async () => {
    for (const [answer, outcome] of [
      ['missing', 'gone'],
      ['saved', 'saved'],
    ]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      made.store.fail('save', answered(answer))
      const writes = [1, 2, 3].map((n) => writeOf('save', loaded, { a: n }))
      const ends = await saveAll(made.context, writes)
      expect(ends.map((each) => ('result' in each ? each.result.outcome : each))).toEqual([
        outcome,
        outcome,
        outcome,
      ])
    }
  })

  it('S31: loses no update, whatever fails and whatever is saved in between', async () => {
    const fault = fc.constantFrom<'passed' | 'lost' | 'refused' | 'conflict'>(
      'passed',
      'lost',
      'refused',
      'conflict',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fault, { maxLength: 5 }), { minLength: 1, maxLength: 6 }),
        async (runs) => {
          const made = fake({ merge: { visits: sum } as never })
          let loaded = await put(made, { visits: 0 })
          let least = 0
          let most = 0
          for (const faults of runs) {
            for (const each of faults) {
              const other = change(made, loaded, setting({ other: each }))
              const given: Record<typeof each, Fault> = {
                passed: (run) => run(),
                lost,
                refused,
                conflict: after(other),
              }
              made.store.fail('save', given[each])
            }
            const { visits } = valuesOf(loaded.record) as { visits: number }
            const { outcome } = await save(
              made.context,
              writeOf('save', loaded, { visits: visits + 1 }),
            )
            most += 1
            if (outcome === 'saved') least += 1
            loaded = (await read(made, loaded.address)) as LoadedSession
          }
          const { visits } = valuesOf(loaded.record) as { visits: number }
          expect(visits).toBeGreaterThanOrEqual(least)
          expect(visits).toBeLessThanOrEqual(most)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('takes an address where nothing was ever stored for gone', async () => {
    const made = fake()
    const address = await newAddress(made)
    const loaded = { address, record: recordOf({}), version: 1, isForwarded: false }
    const written = await save(made.context, writeOf('save', loaded, { a: 1 }))
    expect(written).toMatchObject({ outcome: 'gone' })
  })
})
