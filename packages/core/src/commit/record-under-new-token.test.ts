import { describe, expect, it } from 'vitest'
import {
  answered,
  countSessions,
  fake,
  listOf,
  lost,
  passed,
  put,
  read,
  recordOf,
  refused,
  second,
  start,
  valuesOf,
  writeOf,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { offered, proven } from '../../test/fakes/devices.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { LoopStopwatch } from '../loop-stopwatch.ts'
import { newOwner } from '../subjects/operations.ts'
import type { Edit, Write } from './edit.ts'
import { RecordUnderNewToken } from './record-under-new-token.ts'

const root = new Uint8Array(16).fill(8)
const later = start + 10 * second

type Step = 'renew' | 'rotate' | 'sign-in'

interface Moving {
  readonly made: Fake
  readonly moved: RecordUnderNewToken
  readonly owner: Awaited<ReturnType<typeof newOwner>> | null
  readonly put: (values: Record<string, unknown>) => Promise<string>
}

/** A move that has begun ten seconds after the session. */
async function moving(step: Step, more: Partial<Edit> = {}): Promise<Moving> {
  const made = fake()
  const loaded: LoadedSession = await put(made, { a: 1 })
  made.commands()
  made.clock.now = later
  const signIn = step === 'sign-in' ? { subject: 'zoë', label: 'phone' } : null
  const mover = writeOf(step, loaded, {}, { isRenewed: true, root, signIn, ...more }) as Write
  const owner = signIn && (await newOwner(made.context, signIn.subject))
  const moved = new RecordUnderNewToken(made.context, mover, owner)
  const time = new LoopStopwatch(made.context)
  return { made, moved, owner, put: async (values) => moved.put(recordOf(values), time) }
}

async function there({ made, moved }: Moving): Promise<Record<string, unknown> | null> {
  const loaded = moved.address && (await read(made, moved.address))
  return loaded && valuesOf(loaded.record)
}

describe('what a record becomes under the new token', () => {
  const old = recordOf({ a: 1 }, { movingUntil: later, createdAt: start })

  it('a rotation keeps all of it, and notes that the token is not used yet', async () => {
    const { moved } = await moving('rotate')
    const expected = { ...old, rotatedAt: later, movingUntil: 0, isTokenUnused: true }
    expect(moved.recordOf(old)).toEqual(expected)
  })

  it('a renewal has its own root, and its own start if that was asked for', async () => {
    for (const restart of [false, true]) {
      const { moved } = await moving('renew', { restart })
      expect(moved.recordOf({ ...old, isTokenUnused: true })).toEqual({
        ...old,
        createdAt: restart ? later : start,
        renewedAt: later,
        rotatedAt: later,
        movingUntil: 0,
        isTokenUnused: false,
        root,
      })
    }
  })

  it('a renewal keeps the owner, a sign-in has its own', async () => {
    const renewal = await moving('renew')
    const signIn = await moving('sign-in')
    const owner = await newOwner(renewal.made.context, 'ann')
    expect(renewal.moved.recordOf({ ...old, owner }).owner).toEqual(owner)
    expect(signIn.moved.recordOf({ ...old, owner }).owner).toEqual(signIn.owner)
    expect(signIn.owner).not.toEqual(owner)
  })

  it('a renewal and a rotation keep the device and the lifetime, a sign-in has its own', async () => {
    const held = { ...old, device: proven, isPersistent: true }
    for (const step of ['renew', 'rotate'] as const) {
      const { moved } = await moving(step, { offer: undefined })
      expect(moved.recordOf(held)).toMatchObject({ device: proven, isPersistent: true })
    }
    for (const [offer, isPersistent] of [
      [undefined, undefined],
      [offered, true],
    ] as const) {
      const signIn = { subject: 'zoë', label: null, isPersistent }
      const { moved } = await moving('sign-in', { offer, signIn })
      const { device, isPersistent: isKept } = moved.recordOf(held)
      expect([device, isKept]).toEqual([offer, isPersistent])
    }
  })
})

describe('the record under the new token', () => {
  it('has an address once it is in the store, and keeps it however often it is put', async () => {
    const move = await moving('renew')
    expect(move.moved.address).toBeNull()
    expect(await move.put({ a: 1 })).toBe('done')
    const { address } = move.moved
    expect(await move.put({ a: 2 })).toBe('done')
    expect(await move.put({ a: 3 })).toBe('done')
    expect(move.moved.address).toBe(address)
    expect(await there(move)).toEqual({ a: 3 })
    // The session itself was put before the log was cleared.
    expect(await countSessions(move.made)).toBe(1)
    expect(move.made.commands().slice(0, 5)).toEqual(['create', 'load', 'save', 'load', 'save'])
  })

  it('is put once more under another token if the store has lost it', async () => {
    const move = await moving('sign-in')
    await move.put({ a: 1 })
    const before = move.moved.address
    await move.made.store.delete(before!.id)
    move.made.commands()
    expect(await move.put({ a: 2 })).toBe('done')
    expect(move.moved.address).not.toEqual(before)
    expect(await there(move)).toEqual({ a: 2 })
    // The list knows the sign-in already.
    expect(move.made.commands().slice(0, 2)).toEqual(['load', 'create'])
  })

  it('survives one lost answer, and is unavailable after two', async () => {
    const move = await moving('renew')
    await move.put({ a: 1 })
    move.made.store.fail('save', lost)
    expect(await move.put({ a: 2 })).toBe('done')
    expect(await there(move)).toEqual({ a: 2 })
    move.made.store.fail('save', refused, refused)
    expect(await move.put({ a: 3 })).toBe('unavailable')
    move.made.store.fail('load', refused, refused)
    expect(await move.put({ a: 3 })).toBe('unavailable')
    expect(await there(move)).toEqual({ a: 2 })
  })

  it('S32: is over after 16 tries, and unavailable if an answer was lost among them', async () => {
    const busy = Array.from({ length: 40 }, () => answered('conflict'))
    const move = await moving('renew')
    await move.put({ a: 1 })
    move.made.commands()
    move.made.store.fail('save', ...busy)
    expect(await move.put({ a: 2 })).toBe('conflict')
    expect(move.made.commands().filter((command) => command === 'save')).toHaveLength(16)
    const other = await moving('renew')
    await other.put({ a: 1 })
    other.made.store.fail('save', refused, ...busy)
    expect(await other.put({ a: 2 })).toBe('unavailable')
  })

  it('is not put if its list cannot be told', async () => {
    const move = await moving('sign-in')
    move.made.store.fail('load', refused)
    expect(await move.put({ a: 1 })).toBe('unavailable')
    expect(move.moved.address).toBeNull()
    expect(move.made.commands()).toEqual(['load'])
  })
})

describe('a withdrawal', () => {
  it('takes back the record, and the place in the list', async () => {
    const move = await moving('sign-in')
    await move.put({ a: 1 })
    expect(await listOf(move.made, move.owner)).toHaveLength(1)
    await move.moved.withdraw()
    expect(await there(move)).toBeNull()
    expect(await listOf(move.made, move.owner)).toEqual([])
  })

  it('takes back the place in the list of a record that could not be put', async () => {
    const move = await moving('sign-in')
    move.made.store.fail('create', passed, refused, refused)
    expect(await move.put({ a: 1 })).toBe('unavailable')
    await move.moved.withdraw()
    expect(await listOf(move.made, move.owner)).toEqual([])
  })

  it('tells no list if there is no sign-in, and sends nothing if there is no record', async () => {
    const move = await moving('renew')
    await move.moved.withdraw()
    expect(move.made.commands()).toEqual([])
    await move.put({ a: 1 })
    move.made.commands()
    await move.moved.withdraw()
    expect(move.made.commands()).toEqual(['delete'])
  })
})
