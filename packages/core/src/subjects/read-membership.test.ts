import { describe, expect, it } from 'vitest'
import { fake, put, putList, refused, start } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import type { Owner } from '../store/record.ts'
import type { Listed } from './list-record.ts'
import { listedOf, readListEarly } from './read-membership.ts'
import { newOwner } from './operations.ts'

const entry: Listed = { createdAt: start, renewedAt: null, seenAt: start, label: null }

async function listed(made: Fake): Promise<Owner> {
  const owner = await newOwner(made.context, 'zoë')
  await putList(made, owner, {})
  return owner
}

describe('readListEarly', () => {
  it('makes no trip for a session that was not seen lately', async () => {
    const made = fake()
    expect(await readListEarly(made.context, 'session')).toBeNull()
    expect(made.commands()).toEqual([])
  })

  it('reads the list of a session that was', async () => {
    const made = fake()
    const owner = await listed(made)
    await listedOf(made.context, 'session', owner, null)
    made.commands()
    const early = await readListEarly(made.context, 'session')
    expect(early?.address.id).toBe(owner.listId)
    expect(early?.found).toMatchObject({ record: expect.any(Map) as unknown })
    expect(made.commands()).toEqual(['load'])
    made.store.fail('load', refused)
    expect((await readListEarly(made.context, 'session'))?.found).toBe('unavailable')
  })
})

describe('listedOf', () => {
  it('S11: is what the list says of a session, by its ref', async () => {
    const made = fake()
    const owner = await listed(made)
    expect(await listedOf(made.context, 'session', owner, null)).toEqual(entry)
    expect(await listedOf(made.context, 'session', { ...owner, ref: 'other' }, null)).toBe(
      'missing',
    )
  })

  it('goes by the list that was read early, and makes no trip', async () => {
    const made = fake()
    const owner = await listed(made)
    await listedOf(made.context, 'session', owner, null)
    const early = await readListEarly(made.context, 'session')
    made.commands()
    expect(await listedOf(made.context, 'session', owner, early)).toEqual(entry)
    expect(await listedOf(made.context, 'session', { ...owner, ref: 'x' }, early)).toBe('missing')
    expect(made.commands()).toEqual([])
  })

  it('goes by no list of another subject', async () => {
    const made = fake()
    const owner = await listed(made)
    const other = await newOwner(made.context, 'ann')
    await putList(made, { ...other, ref: owner.ref }, {})
    await listedOf(made.context, 'session', { ...other, ref: owner.ref }, null)
    const early = await readListEarly(made.context, 'session')
    made.commands()
    expect(await listedOf(made.context, 'session', owner, early)).toEqual(entry)
    expect(made.commands()).toEqual(['load'])
  })

  it('is missing without a list, and for one that cannot be read', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    expect(await listedOf(made.context, 'session', owner, null)).toBe('missing')
    await made.store.create(owner.listId, Uint8Array.of(1), start + 1000)
    expect(await listedOf(made.context, 'session', owner, null)).toBe('missing')
  })

  it('rule 2: is unavailable in an outage, early or late', async () => {
    const made = fake()
    const owner = await listed(made)
    made.store.down = true
    expect(await listedOf(made.context, 'session', owner, null)).toBe('unavailable')
    const early = await readListEarly(made.context, 'session')
    expect(await listedOf(made.context, 'session', owner, early)).toBe('unavailable')
  })

  it('S41: is missing without a trip if no secret leads to the list', async () => {
    const outside = { inProcess: false, load: none, create: none, save: none, delete: none }
    const old = fake({ store: outside, secrets: ['an old secret of 32 characters and more'] })
    const owner = await newOwner(old.context, 'zoë')
    const made = fake()
    await put(made, {})
    await putList(made, owner, {})
    expect(await listedOf(made.context, 'session', owner, null)).toBe('missing')
    expect(made.commands()).toEqual([])
    expect(made.context.listAddressCache.get('session')).toBeUndefined()
  })
})

const none = (): Promise<never> => Promise.reject(new Error('not called'))
