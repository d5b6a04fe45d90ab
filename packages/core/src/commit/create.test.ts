import { describe, expect, it } from 'vitest'
import {
  after,
  day,
  editOf,
  fake,
  listOf,
  lost,
  put,
  read,
  recordOf,
  refused,
  second,
  start,
  valuesOf,
} from '../../test-d/fakes/context.ts'
import type { Fake } from '../../test-d/fakes/context.ts'
import { blankRecord } from '../store/record.ts'
import type { SessionRecord } from '../store/record.ts'
import { listAddressOf } from '../subjects/list.ts'
import type { LoadedList } from '../subjects/list.ts'
import { newOwner } from '../subjects/subjects.ts'
import { claim, create, relist } from './create.ts'
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
    const made = fake({ lifetime: { anonymous: 60 } })
    const { address } = await create(made.context, newEdit({ a: 1 }))
    expect(made.store.expiries.get(address?.id ?? '')).toBe(start + 60 * second)
  })

  it('S46: keeps a session that was renewed at once for the idle lifetime', async () => {
    const made = fake({ lifetime: { anonymous: 60, idle: 600 } })
    const written = await create(made.context, newEdit({ a: 1 }, { isRenewed: true }))
    expect(made.store.expiries.get(written.address?.id ?? '')).toBe(start + 600 * second)
    expect(await stored(made, written)).toMatchObject({ renewedAt: start, owner: null })
  })

  it('S9: never lets a record outlive the absolute end', async () => {
    const made = fake({ lifetime: { anonymous: 600, idle: 600, absolute: 60 } })
    const { address } = await create(made.context, signInEdit())
    expect(made.store.expiries.get(address?.id ?? '')).toBe(start + 60 * second)
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
      [
        record.owner?.ref,
        { id: written.address?.id, createdAt: start, renewedAt: start, label: 'Firefox' },
      ],
    ])
  })

  it('S6: gives every session a token of its own', async () => {
    const made = fake()
    const ids = new Set<string | undefined>()
    for (let n = 0; n < 100; n++) ids.add((await create(made.context, newEdit({}))).address?.id)
    expect(ids.size).toBe(100)
  })
})

describe('claim', () => {
  const record = recordOf({ a: 1 })

  it('S55: takes another token if one is taken, and leaves what is there as it was', async () => {
    let draws = 0
    const random = (bytes: Uint8Array): Uint8Array => bytes.fill(draws++ < 3 ? 1 : draws)
    const made = fake({ testing: { random } })
    const first = await claim(made.context, recordOf({ first: true }), 'created', null)
    const second = await claim(made.context, record, 'created', null)
    expect(second).toMatchObject({ outcome: 'created', tries: 3 })
    expect(second.address?.id).not.toBe(first.address?.id)
    expect(valuesOf(await stored(made, first))).toEqual({ first: true })
  })

  it('S32: gives up after 16 tokens that are taken', async () => {
    const made = fake({ testing: { random: (bytes) => bytes.fill(1) } })
    await claim(made.context, record, 'created', null)
    made.commands()
    const written = await claim(made.context, record, 'renewed', null)
    expect(written).toEqual({ outcome: 'conflict', tries: 16 })
    expect(made.commands()).toHaveLength(16)
  })

  it('S88: tries one more token if the answer is lost, and issues only that', async () => {
    const made = fake()
    made.store.fail('create', lost)
    const written = await claim(made.context, record, 'created', null)
    expect(written).toMatchObject({ outcome: 'created', tries: 2 })
    expect(made.store.log.map(([, id]) => id)[1]).toBe(written.address?.id)
    expect(await stored(made, written)).toEqual(record)
  })

  it('rule 3: issues no token if two answers are lost', async () => {
    for (const fault of [lost, refused]) {
      const made = fake()
      made.store.fail('create', fault, fault)
      const written = await claim(made.context, record, 'created', null)
      expect(written).toEqual({ outcome: 'unavailable', tries: 2 })
      expect(made.commands()).toEqual(['create', 'create'])
    }
  })

  it('rule 3: counts lost answers, not the tokens in between that are taken', async () => {
    const made = fake()
    made.store.fail('create', refused, async () => false, refused)
    const written = await claim(made.context, record, 'created', null)
    expect(written).toEqual({ outcome: 'unavailable', tries: 3 })
  })

  it('passes the outcome on that it was asked for', async () => {
    const made = fake()
    for (const outcome of ['created', 'renewed', 'rotated'] as const) {
      expect((await claim(made.context, record, outcome, null)).outcome).toBe(outcome)
    }
  })

  it('S90: trusts a record that was renewed or has a subject, and no other', async () => {
    const made = fake({ lifetime: { anonymous: 60, idle: 600 } })
    const owner = await newOwner(made.context, 'zoë')
    const expiryOf = async (more: Partial<SessionRecord>): Promise<number> => {
      const { address } = await claim(made.context, { ...record, ...more }, 'created', null)
      return (made.store.expiries.get(address?.id ?? '') as number) - start
    }
    expect(await expiryOf({})).toBe(60 * second)
    expect(await expiryOf({ renewedAt: start })).toBe(600 * second)
    expect(await expiryOf({ owner })).toBe(600 * second)
  })

  describe('with a sign-in', () => {
    async function owned(made: Fake): Promise<SessionRecord> {
      return recordOf({ a: 1 }, { owner: await newOwner(made.context, 'zoë'), renewedAt: start })
    }

    it('T6: writes no record before the session is in its list', async () => {
      const made = fake()
      made.store.fail('load', refused)
      const written = await claim(made.context, await owned(made), 'created', signIn)
      expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
      expect(made.commands()).toEqual(['load'])
    })

    it('is unavailable if the list cannot be changed for all that it tries', async () => {
      const made = fake()
      const taken = Array.from({ length: 16 }, () => async () => false)
      made.store.fail('create', ...taken)
      const written = await claim(made.context, await owned(made), 'created', signIn)
      expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
    })

    it('has the id of the second token in the list if the first was lost', async () => {
      const made = fake()
      made.store.fail('create', (run) => run(), lost)
      const record = await owned(made)
      const written = await claim(made.context, record, 'created', signIn)
      expect(written).toMatchObject({ outcome: 'created', tries: 2 })
      expect(made.commands()).toEqual(['load', 'create', 'create', 'load', 'save', 'create'])
      const list = await listOf(made, record.owner)
      expect(list).toHaveLength(1)
      expect(list[0]?.[1].id).toBe(written.address?.id)
    })

    it('leaves the list alone without one', async () => {
      const made = fake()
      await claim(made.context, await owned(made), 'renewed', null)
      expect(made.commands()).toEqual(['create'])
    })
  })
})

describe('relist', () => {
  const later = start + day

  it('tells the list the new id, and keeps the label', async () => {
    const made = fake()
    const before = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const { address } = await put(made, {})
    const renewed = { ...before.record, createdAt: later, renewedAt: later }
    await relist(made.context, before.record, renewed, address)
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await listOf(made, before.record.owner)).toEqual([
      [
        before.record.owner?.ref,
        { id: address.id, createdAt: later, renewedAt: later, label: null },
      ],
    ])
  })

  it('takes the session out of the list that it left, for a sign-in as another', async () => {
    const made = fake()
    const before = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const after = await put(made, {}, { owner: await newOwner(made.context, 'ann') })
    await relist(made.context, before.record, after.record, after.address)
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await listOf(made, before.record.owner)).toEqual([])
    expect(await listOf(made, after.record.owner)).toHaveLength(1)
  })

  it('takes the old place out of the list of the same subject', async () => {
    const made = fake()
    const before = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const owner = await newOwner(made.context, 'zoë')
    await relist(made.context, before.record, { ...before.record, owner }, before.address)
    expect(await listOf(made, before.record.owner)).toEqual([])
  })

  it('makes no trip without a subject, before or after', async () => {
    const made = fake()
    const owned = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const anonymous = await put(made, {})
    await relist(made.context, anonymous.record, anonymous.record, anonymous.address)
    await relist(made.context, anonymous.record, owned.record, owned.address)
    expect(made.commands()).toEqual([])
  })

  it('does not bring a session back into a list that it was taken out of meanwhile', async () => {
    const made = fake()
    const before = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const { owner } = before.record
    if (owner === null) throw new Error('there is no owner')
    const address = listAddressOf(owner)
    made.store.fail(
      'save',
      after(() =>
        made.store.elsewhere(async () => {
          const { version } = (await made.context.lists.load(address)) as LoadedList
          await made.context.lists.save(address, new Map(), later, version)
        }),
      ),
    )
    await relist(made.context, before.record, before.record, before.address)
    expect(await listOf(made, before.record.owner)).toEqual([])
  })

  it('does not fail by a list that cannot be reached', async () => {
    const made = fake()
    const before = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    made.store.down = true
    await expect(
      relist(made.context, before.record, before.record, before.address),
    ).resolves.toBeUndefined()
  })
})
