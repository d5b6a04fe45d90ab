import { describe, expect, it } from 'vitest'
import {
  change,
  entryAt,
  fake,
  newAddress,
  put,
  read,
  setting,
  start,
} from '../../test/fakes/context.ts'
import { newOwner } from '../subjects/operations.ts'
import {
  forwardLife,
  leadsTo,
  leaveForward,
  leaveMovedMark,
  markLife,
} from './leave-under-old-id.ts'

describe.each([false, true])('what a move leaves under the old id (sealed: %s)', (isSealed) => {
  it('rule 4: a forward holds the new token for 15 seconds', async () => {
    const made = fake({}, isSealed)
    const loaded = await put(made, { a: 1 })
    const target = await newAddress(made)
    expect(await leaveForward(made.context, loaded, target)).toBe('saved')
    const until = start + 15_000
    expect(await entryAt(made, loaded)).toEqual({ kind: 'forward', token: target.token, until })
    expect(made.store.expiries.get(loaded.address.id)).toBe(until)
    expect(forwardLife).toBe(15_000)
  })

  it('rule 4: a moved mark holds the new id and the owner for 60 seconds, and no token', async () => {
    const made = fake({}, isSealed)
    const loaded = await put(made, { a: 1 })
    const target = await newAddress(made)
    const owner = await newOwner(made.context, 'zoë')
    expect(await leaveMovedMark(made.context, loaded, target, owner)).toBe('saved')
    const until = start + 60_000
    const mark = await entryAt(made, loaded)
    expect(mark).toMatchObject({ kind: 'moved', id: target.id, owner, until })
    expect(JSON.stringify(mark)).not.toContain(target.token)
    expect(made.store.expiries.get(loaded.address.id)).toBe(until)
    expect(markLife).toBe(60_000)
  })

  it('rule 4: neither replaces a record that has changed since', async () => {
    const made = fake({}, isSealed)
    const loaded = await put(made, { a: 1 })
    const target = await newAddress(made)
    await change(made, loaded, setting({ b: 2 }))()
    expect(await leaveForward(made.context, loaded, target)).toBe('conflict')
    expect(await leaveMovedMark(made.context, loaded, target, null)).toBe('conflict')
    expect(await read(made, loaded.address)).not.toBeNull()
    await made.store.delete(loaded.address.id)
    expect(await leaveForward(made.context, loaded, target)).toBe('missing')
    expect(await leaveMovedMark(made.context, loaded, target, null)).toBe('missing')
  })
})

it('a moved mark ends the old token, so that no failover brings it back; a forward ends nothing', async () => {
  const made = fake()
  const ends: (boolean | undefined)[] = []
  const { records } = made.context
  const save: typeof records.save = (address, entry, until, version, isEnding) => {
    ends.push(isEnding)
    return records.save(address, entry, until, version, isEnding)
  }
  const context = { ...made.context, records: { ...records, save } }
  const target = await newAddress(made)
  await leaveForward(context, await put(made, {}), target)
  await leaveMovedMark(context, await put(made, {}), target, null)
  expect(ends).toEqual([undefined, true])
})

it('rule 4: an entry leads to the address of its move, and to no other', async () => {
  const made = fake()
  const [loaded, target, other] = [
    await put(made, {}),
    await newAddress(made),
    await newAddress(made),
  ]
  const forward = { kind: 'forward', token: target.token, until: start } as const
  const mark = {
    kind: 'moved',
    id: target.id,
    markKey: 'key',
    owner: null,
    until: start,
  } as const
  for (const entry of [forward, mark]) {
    expect(leadsTo(entry, target)).toBe(true)
    expect(leadsTo(entry, other)).toBe(false)
    expect(leadsTo(entry, null)).toBe(false)
  }
  expect(leadsTo(loaded.record, target)).toBe(false)
  expect(leadsTo(loaded.record, null)).toBe(false)
})
