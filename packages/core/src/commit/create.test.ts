import { describe, expect, it } from 'vitest'
import {
  answered,
  editOf,
  fake,
  listOf,
  passed,
  read,
  recordOf,
  refused,
  second,
  start,
  valuesOf,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { offered } from '../../test/fakes/devices.ts'
import { blankRecord } from '../store/record.ts'
import type { SessionRecord } from '../store/record.ts'
import { newOwner } from '../subjects/operations.ts'
import { create, list } from './create.ts'
import type { Edit, Written } from './edit.ts'

const root = new Uint8Array(16).fill(7)
const signIn = { subject: 'zoë', label: 'Firefox' }

/** An edit of a new session. */
const newEdit = (values: Record<string, unknown>, more: Partial<Edit> = {}): Edit =>
  editOf(blankRecord(start, root), values, { root, ...more })

const signInEdit = (values = {}): Edit =>
  newEdit(values, { signIn, isRenewed: true, restart: true })

async function stored(made: Fake, { address }: Written): Promise<SessionRecord> {
  if (address === undefined) throw new Error('there is no address')
  const found = await read(made, address)
  if (found === null) throw new Error('there is no record')
  return found.record
}

describe('create', () => {
  it('rule 6: stores a new session with one command', async () => {
    const made = fake()
    const written = await create(made.context, newEdit({ a: 1 }))
    expect(written).toMatchObject({ outcome: 'created', tries: 1, createdAt: start })
    expect(made.commands()).toEqual(['create'])
    const record = await stored(made, written)
    expect(valuesOf(record)).toEqual({ a: 1 })
    expect(record).toMatchObject({ createdAt: start, renewedAt: null, owner: null, root })
  })

  it('S90: lets the store forget an anonymous session after the anonymous lifetime', async () => {
    const made = fake({ lifetime: { unused: 60 } })
    const { address } = await create(made.context, newEdit({ a: 1 }))
    expect(made.store.expiries.get(address?.id ?? '')).toBe(start + 60 * second)
  })

  it('S46: keeps a session that was renewed at once for the idle lifetime', async () => {
    const made = fake({ lifetime: { unused: 60, idle: 600 } })
    const written = await create(made.context, newEdit({ a: 1 }, { isRenewed: true }))
    expect(made.store.expiries.get(written.address?.id ?? '')).toBe(start + 600 * second)
    expect(await stored(made, written)).toMatchObject({ renewedAt: start, owner: null })
  })

  it('S9: never lets a record outlive the absolute end', async () => {
    const made = fake({ lifetime: { unused: 600, absolute: 60 } })
    const { address } = await create(made.context, signInEdit())
    expect(made.store.expiries.get(address?.id ?? '')).toBe(start + 60 * second)
  })

  it('signs in without a subject with one command, and persists if that was asked for', async () => {
    const made = fake()
    const edit = { ...signInEdit(), signIn: { subject: null, label: null, isPersistent: true } }
    const written = await create(made.context, edit)
    expect(written).toMatchObject({ outcome: 'created', owner: null, isPersistent: true })
    expect(made.commands()).toEqual(['create'])
    expect(await stored(made, written)).toMatchObject({ owner: null, renewedAt: start })
  })

  it('rule 6: signs in with three commands, the list first', async () => {
    const made = fake()
    const written = await create(made.context, signInEdit({ a: 1 }))
    expect(written.outcome).toBe('created')
    expect(made.commands()).toEqual(['load', 'create', 'create'])
    const record = await stored(made, written)
    expect(record.owner?.subject).toBe('zoë')
    expect(record.renewedAt).toBe(start)
    expect(await listOf(made, record.owner)).toEqual([
      [record.owner?.ref, { createdAt: start, renewedAt: start, seenAt: start, label: 'Firefox' }],
    ])
  })

  it('keeps a session that is to be remembered, and no other, for the lifetime of those', async () => {
    const hour = 3600
    const lifetime = {
      idle: hour,
      absolute: 2 * hour,
      persistent: { idle: 10 * hour, absolute: 20 * hour },
    }
    for (const [isPersistent, kept] of [
      [true, 10 * hour],
      [undefined, hour],
    ] as const) {
      const made = fake({ lifetime })
      const edit = { ...signInEdit(), signIn: { ...signIn, isPersistent } }
      const written = await create(made.context, edit)
      expect(written).toMatchObject({ outcome: 'created', isPersistent })
      const { owner, ...record } = await stored(made, written)
      expect(record.isPersistent).toBe(isPersistent)
      expect(made.store.expiries.get(written.address?.id ?? '')).toBe(start + kept * second)
      expect((await listOf(made, owner))[0]?.[1].isPersistent).toBe(isPersistent)
    }
    const written = await create(fake({ lifetime }).context, newEdit({ a: 1 }))
    expect(written.isPersistent).toBeUndefined()
  })

  it('stores what a sign-in offers to the browser', async () => {
    const made = fake()
    const written = await create(made.context, { ...signInEdit(), offer: offered })
    expect((await stored(made, written)).device).toEqual(offered)
    const unbound = await create(made.context, signInEdit())
    expect((await stored(made, unbound)).device).toBeUndefined()
  })

  it('S6: gives every session a token of its own', async () => {
    const made = fake()
    const ids = new Set<string | undefined>()
    for (let n = 0; n < 100; n++) ids.add((await create(made.context, newEdit({}))).address?.id)
    expect(ids.size).toBe(100)
  })
})

describe('a session without a subject that cannot be stored', () => {
  it.each([
    [refused, 'unavailable', 2],
    [answered(false), 'conflict', 16],
  ] as const)('rule 3: issues no token, and asks for no list', async (fault, outcome, tries) => {
    const made = fake()
    made.store.fail('create', ...Array.from({ length: 16 }, () => fault))
    expect(await create(made.context, newEdit({ a: 1 }))).toEqual({ outcome, tries })
    const ids = new Set(made.store.log.map(([, id]) => id))
    expect(ids.size).toBe(tries)
  })
})

describe('a sign-in whose list cannot be changed', () => {
  it('T6: writes no record before the session is in its list', async () => {
    const made = fake()
    made.store.fail('load', refused)
    const written = await create(made.context, signInEdit({ a: 1 }))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands()).toEqual(['load'])
  })

  it('S32: is a conflict after 16 tries, and writes no record', async () => {
    const made = fake()
    made.store.fail('create', ...Array.from({ length: 16 }, () => answered(false)))
    const written = await create(made.context, signInEdit({ a: 1 }))
    expect(written).toEqual({ outcome: 'conflict', tries: 1 })
    expect(made.commands().filter((command) => command === 'create')).toHaveLength(16)
  })

  it('rule 3: issues no token if the record cannot be added', async () => {
    for (const [fault, outcome, tries] of [
      [refused, 'unavailable', 2],
      [answered(false), 'conflict', 16],
    ] as const) {
      const made = fake()
      made.store.fail('create', passed, ...Array.from({ length: 16 }, () => fault))
      const written = await create(made.context, signInEdit({ a: 1 }))
      expect(written).toEqual({ outcome, tries })
    }
  })

  it('E1: leaves no place in the list behind if the record cannot be added', async () => {
    const tooLarge = Object.assign(new Error('too large'), { code: 'too-large' })
    for (const fault of [refused, answered(false), () => Promise.reject(tooLarge)]) {
      const made = fake()
      const { listId } = await newOwner(made.context, 'zoë')
      made.store.fail('create', passed, ...Array.from({ length: 16 }, () => fault))
      await create(made.context, signInEdit({ a: 1 })).catch((error: unknown) =>
        expect(error).toBe(tooLarge),
      )
      expect(await listOf(made, { subject: 'zoë', listId, ref: '' })).toEqual([])
    }
  })
})

describe('list', () => {
  it('puts a session that signs in into its list, with its label', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const record = recordOf({}, { owner, renewedAt: start })
    expect(await list(made.context, record, signIn)).toBe('saved')
    expect(await listOf(made, owner)).toEqual([
      [owner.ref, { createdAt: start, renewedAt: start, seenAt: start, label: 'Firefox' }],
    ])
  })

  it('makes no trip without a sign-in, or without an owner', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    expect(await list(made.context, recordOf({}, { owner }), null)).toBe('saved')
    expect(await list(made.context, recordOf({}), signIn)).toBe('saved')
    expect(made.commands()).toEqual([])
  })
})
