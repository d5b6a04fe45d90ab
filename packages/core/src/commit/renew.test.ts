import { describe, expect, it } from 'vitest'
import {
  after,
  answered,
  change,
  end,
  fake,
  forwarding,
  listOf,
  lost,
  passed,
  put,
  read,
  refused,
  second,
  setting,
  start,
  valuesOf,
  writeOf,
} from '../../test-d/fakes/context.ts'
import type { Fake, Fault } from '../../test-d/fakes/context.ts'
import type { LoadedSession } from '../load/read-record.ts'
import { sum } from '../rules/resolvers.ts'
import { newOwner } from '../subjects/subjects.ts'
import type { Edit, Write, Written } from './edit.ts'
import { renew } from './renew.ts'

const root = new Uint8Array(16).fill(8)
const later = start + 10 * second

const renewal = (
  loaded: LoadedSession,
  changes: Record<string, unknown> = {},
  more: Partial<Edit> = {},
): Write => writeOf('renew', loaded, changes, { isRenewed: true, root, ...more })

const signingIn = (loaded: LoadedSession, subject = 'zoë', label: string | null = null): Write =>
  renewal(loaded, {}, { restart: true, signIn: { subject, label } })

async function renewed(made: Fake, { address }: Written): Promise<LoadedSession> {
  const found = address && (await read(made, address))
  if (!found) throw new Error('there is no session')
  return found
}

/** How many records are in the store, by the ids that were ever used. */
async function countRecords({ context, store }: Fake): Promise<number> {
  const ids = new Set(store.log.map(([, id]) => id))
  const found = await store.elsewhere(() =>
    Promise.all([...ids].map((id) => context.records.has(id))),
  )
  return found.filter((each) => each === true).length
}

const changed = (made: Fake, loaded: LoadedSession, values: Record<string, unknown>): Fault =>
  after(change(made, loaded, setting(values)))

describe('renew', () => {
  it('rule 6: adds the new record and deletes the old one, in two commands', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.clock.now = later
    const written = await renew(made.context, renewal(loaded, { b: 2 }))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 1, createdAt: start })
    expect(made.commands()).toEqual(['create', 'delete'])
    expect(await read(made, loaded.address)).toBeNull()
    expect(written.address?.id).not.toBe(loaded.address.id)
    const { record } = await renewed(made, written)
    expect(valuesOf(record)).toEqual({ a: 1, b: 2 })
    expect(record).toMatchObject({ createdAt: start, renewedAt: later, rotatedAt: later, root })
  })

  it('S9: begins the absolute lifetime anew only if it was asked for', async () => {
    const made = fake()
    made.clock.now = later
    for (const restart of [false, true]) {
      const loaded = await put(made, {})
      const written = await renew(made.context, renewal(loaded, {}, { restart }))
      expect(written.createdAt).toBe(restart ? later : start)
      const { record } = await renewed(made, written)
      expect(record.createdAt).toBe(restart ? later : start)
    }
  })

  it('S9: is gone at the absolute end, and sends nothing', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, {})
    made.clock.now += 90 * second
    const written = await renew(made.context, renewal(loaded, {}, { restart: true }))
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual([])
  })

  it('keeps the subject and its place in the list, which learns the new id', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const written = await renew(made.context, renewal(loaded))
    expect(made.commands()).toEqual(['create', 'delete', 'load', 'save'])
    const { record } = await renewed(made, written)
    expect(record.owner).toEqual(loaded.record.owner)
    expect(await listOf(made, record.owner)).toMatchObject([
      [record.owner?.ref, { id: written.address?.id }],
    ])
  })
})

describe('a sign-in', () => {
  it('rule 6: is four commands: the list read and written, the record added, the old one deleted', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.clock.now = later
    const written = await renew(made.context, signingIn(loaded, 'zoë', 'Firefox'))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 1, createdAt: later })
    expect(made.commands()).toEqual(['load', 'create', 'create', 'delete'])
    const { record } = await renewed(made, written)
    expect(record.owner?.subject).toBe('zoë')
    expect(record).toMatchObject({ createdAt: later, renewedAt: later })
    expect(valuesOf(record)).toEqual({ a: 1 })
  })

  it('takes the session out of the list of the subject that it had', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    const written = await renew(made.context, signingIn(loaded, 'ann'))
    expect((await renewed(made, written)).record.owner?.subject).toBe('ann')
    expect(await listOf(made, owner)).toEqual([])
  })

  it('as the same subject again has a new place in the list, and the old one is free', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    const written = await renew(made.context, signingIn(loaded))
    const { record } = await renewed(made, written)
    expect(record.owner?.ref).not.toBe(owner.ref)
    expect((await listOf(made, owner)).map(([ref]) => ref)).toEqual([record.owner?.ref])
  })

  it('rule 3: is unavailable if its list cannot be reached, and the old session goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('load', refused)
    const written = await renew(made.context, signingIn(loaded))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands()).toEqual(['load'])
    expect(await read(made, loaded.address)).not.toBeNull()
  })
})

describe('a renewal that meets another request', () => {
  it('rule 4: merges what was saved in between, and withdraws what it claimed before', async () => {
    const made = fake({ merge: { visits: sum } as never })
    const loaded = await put(made, { visits: 1, b: 1 })
    made.store.fail('delete', changed(made, loaded, { visits: 11, c: 1 }))
    const written = await renew(made.context, renewal(loaded, { visits: 2, b: 2 }))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 2 })
    expect(made.waits).toEqual([1])
    expect(made.store.log.map(([command]) => command).toSorted()).toEqual(
      ['create', 'delete', 'delete', 'load', 'create', 'delete'].toSorted(),
    )
    expect(await countRecords(made)).toBe(1)
    expect(valuesOf((await renewed(made, written)).record)).toEqual({ visits: 12, b: 2, c: 1 })
  })

  it('S10: is gone if the session was signed out of in between, and leaves nothing', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', after(end(made, loaded)))
    const written = await renew(made.context, renewal(loaded))
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(await countRecords(made)).toBe(0)
  })

  it('S10: is gone if the session is signed out of between a conflict and the next try', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', changed(made, loaded, { b: 1 }))
    made.store.fail('load', after(end(made, loaded)))
    expect(await renew(made.context, renewal(loaded))).toEqual({ outcome: 'gone', tries: 1 })
    expect(await countRecords(made)).toBe(0)
  })

  it('S9: is gone if the absolute end comes between two tries', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', answered('conflict'))
    const context = {
      ...made.context,
      backOff: async () => void (made.clock.now += 90 * second),
    }
    expect(await renew(context, renewal(loaded))).toEqual({ outcome: 'gone', tries: 2 })
  })

  it('S32: is a conflict after 16 tries, and the old session goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    // Every other delete withdraws what was claimed.
    const faults = Array.from({ length: 16 }, () => [answered('conflict'), passed]).flat()
    made.store.fail('delete', ...faults)
    const written = await renew(made.context, renewal(loaded))
    expect(written).toEqual({ outcome: 'conflict', tries: 16 })
    expect(made.waits).toHaveLength(15)
    expect(await countRecords(made)).toBe(1)
    expect(await read(made, loaded.address)).not.toBeNull()
  })

  it('S32: starts no further try when a second has passed', async () => {
    for (const [milliseconds, outcome] of [
      [999, 'renewed'],
      [1000, 'conflict'],
    ] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const slow: Fault = async () => {
        made.clock.now += milliseconds
        return 'conflict'
      }
      made.store.fail('delete', slow)
      expect((await renew(made.context, renewal(loaded))).outcome).toBe(outcome)
    }
  })

  it('rule 7: throws if the merged session is too large, with nothing left behind', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    made.store.fail('delete', changed(made, loaded, { b: 'x'.repeat(1000) }))
    const renewing = renew(made.context, renewal(loaded, { a: 'y'.repeat(1000) }))
    await expect(renewing).rejects.toMatchObject({ code: 'too-large' })
    expect(await countRecords(made)).toBe(1)
  })

  it('follows a forward, and ends the session under the token that it has now', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const moved = await put(made, { a: 1, moved: true })
    made.store.fail('delete', after(change(made, loaded, forwarding(moved.address.token))))
    const written = await renew(made.context, renewal(loaded))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 2 })
    expect(await read(made, moved.address)).toBeNull()
    expect(valuesOf((await renewed(made, written)).record)).toEqual({ a: 1, moved: true })
  })
})

describe('a renewal whose answer is lost', () => {
  it.each<[string, Fault]>([
    ['refused', refused],
    ['lost', lost],
  ])(
    'rule 3: issues no token if the delete was %s, and withdraws the new one',
    async (_name, fault) => {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      made.store.fail('delete', fault)
      const written = await renew(made.context, renewal(loaded))
      expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
      expect(made.store.log.map(([command]) => command)).toEqual(['create', 'delete', 'delete'])
      expect(await countRecords(made)).toBe(fault === refused ? 1 : 0)
    },
  )

  it('is unavailable if no record could be added, and the old session goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('create', refused, refused)
    expect(await renew(made.context, renewal(loaded))).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands()).toEqual(['create', 'create'])
    expect(await read(made, loaded.address)).not.toBeNull()
  })

  it('is unavailable if it cannot be read again after a conflict', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', changed(made, loaded, { b: 1 }))
    made.store.fail('load', refused)
    expect(await renew(made.context, renewal(loaded))).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(await countRecords(made)).toBe(1)
  })
})
