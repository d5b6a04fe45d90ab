import { describe, expect, it } from 'vitest'
import {
  change,
  end,
  fake,
  listOf,
  put,
  read,
  refused,
  setting,
  valuesOf,
  writeOf,
} from '../../test/fakes/context.ts'
import type { Fake, Fault } from '../../test/fakes/context.ts'
import { offered, proven, registered } from '../../test/fakes/devices.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Device } from '../store/device-key.ts'
import { newOwner } from '../subjects/operations.ts'
import { carryOut } from './carry-out.ts'
import { replaceDevice } from './replace-device-key.ts'

const registration = { from: offered, to: registered }
const firstProof = { from: registered, to: proven }
const secondProof = { from: proven, to: { ...proven, proofs: 2 } }

const owned = async (made: Fake, device: Device): Promise<LoadedSession> =>
  put(made, { a: 1 }, { owner: await newOwner(made.context, 'zoë'), device })

const deviceOf = async (made: Fake, { address }: LoadedSession): Promise<Device | undefined> =>
  (await read(made, address))?.record.device

async function isListedAsBound(made: Fake, { record }: LoadedSession): Promise<boolean> {
  const [entry] = await listOf(made, record.owner)
  return entry?.[1].isBound === true
}

describe('what becomes of the device of a session', () => {
  it('is stored in one write, and all else of the session stays as it was', async () => {
    const made = fake()
    const more = { device: offered, isTokenUnused: true, isPersistent: true }
    const loaded = await put(made, { a: 1 }, more)
    expect(await replaceDevice(made.context, loaded, 0, registration)).toBe('saved')
    expect(made.commands()).toEqual(['save'])
    const { record } = (await read(made, loaded.address))!
    const { writes } = record
    expect(record).toEqual({ ...loaded.record, device: registered, writes })
  })

  it.each([
    ['a registration', registration, false],
    ['the first proof', firstProof, true],
    ['every other proof', secondProof, false],
  ])('is told to the subject’s list by the first proof alone: %s', async (_what, by, isTold) => {
    const made = fake()
    const loaded = await owned(made, by.from)
    expect(await replaceDevice(made.context, loaded, 0, by)).toBe('saved')
    expect(made.commands()).toEqual(isTold ? ['save', 'load', 'save'] : ['save'])
    expect(await isListedAsBound(made, loaded)).toBe(isTold)
  })

  it('E3: is told to the list as a use if that is due, because the write has moved the idle end', async () => {
    const made = fake()
    const loaded = await owned(made, proven)
    made.clock.now += 1000
    expect(await replaceDevice(made.context, loaded, 0, secondProof, true)).toBe('saved')
    expect(made.commands()).toEqual(['save', 'load', 'save'])
    expect(await listOf(made, loaded.record.owner)).toMatchObject([
      [loaded.record.owner?.ref, { seenAt: made.clock.now, isBound: true }],
    ])
  })

  it('is stored also if the list does not hear of it, and if there is none', async () => {
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    for (const lists of [refused, (): Promise<never> => Promise.reject(fault)]) {
      const made = fake()
      const loaded = await owned(made, registered)
      made.store.fail('load', lists)
      expect(await replaceDevice(made.context, loaded, 0, firstProof)).toBe('saved')
      expect(await deviceOf(made, loaded)).toEqual(proven)
    }
    const made = fake()
    const anonymous = await put(made, {}, { device: registered })
    expect(await replaceDevice(made.context, anonymous, 0, firstProof)).toBe('saved')
    expect(made.commands()).toEqual(['save'])
  })
})

describe('the device of a session that another request has changed', () => {
  it.each<[string, Device, Device | undefined]>([
    ['registered a key', offered, registered],
    ['given a proof', registered, proven],
    ['given several proofs', registered, { ...proven, proofs: 7 }],
    ['been offered anew', registered, { ...registered, id: 'another device' }],
    ['been offered anew, with no key', registered, { ...offered, id: 'another device' }],
    ['lost its device', registered, undefined],
  ])('stays as it is, if it has %s', async (_what, from, device) => {
    const made = fake()
    const loaded = await owned(made, from)
    await change(made, loaded, (record) => ({ ...record, device }))()
    const to = { ...registered, proofs: from.proofs + 1 }
    expect(await replaceDevice(made.context, loaded, 0, { from, to })).toBe('changed')
    expect(await deviceOf(made, loaded)).toEqual(device)
    expect(await isListedAsBound(made, loaded)).toBe(false)
  })

  it('is known before anything is sent, if it was read like that', async () => {
    const made = fake()
    const loaded = await owned(made, proven)
    expect(await replaceDevice(made.context, loaded, 0, firstProof)).toBe('changed')
    expect(made.commands()).toEqual([])
  })

  it('counts one of several proofs that came at the same time', async () => {
    const made = fake()
    const loaded = await owned(made, registered)
    const proofs = [1, 2, 3].map((order) => replaceDevice(made.context, loaded, order, firstProof))
    expect((await Promise.all(proofs)).toSorted()).toEqual(['changed', 'changed', 'saved'])
    expect(await deviceOf(made, loaded)).toEqual(proven)
  })
})

describe('the device of a session beside other requests', () => {
  it('is stored with what another process has saved, which is kept', async () => {
    const made = fake()
    const loaded = await owned(made, offered)
    await change(made, loaded, setting({ a: 2, theirs: 1 }))()
    expect(await replaceDevice(made.context, loaded, 0, registration)).toBe('saved')
    const { record } = (await read(made, loaded.address))!
    expect(valuesOf(record)).toEqual({ a: 2, theirs: 1 })
    expect(record.device).toEqual(registered)
  })

  it('is stored in one write with what waits in this process', async () => {
    const made = fake()
    const loaded = await owned(made, offered)
    const ends = await Promise.all([
      carryOut(made.context, writeOf('save', loaded, { first: 1 })),
      carryOut(made.context, writeOf('save', loaded, { second: 1 })),
      replaceDevice(made.context, loaded, 0, registration),
    ])
    expect(ends).toMatchObject([{ outcome: 'saved' }, { outcome: 'saved' }, 'saved'])
    const { record } = (await read(made, loaded.address))!
    expect(valuesOf(record)).toEqual({ a: 1, first: 1, second: 1 })
    expect(record.device).toEqual(registered)
    expect(made.commands()).not.toHaveLength(3)
  })
})

describe('a device that cannot be stored', () => {
  it('is gone with a session that has ended, and the list is told nothing', async () => {
    const made = fake()
    const loaded = await owned(made, registered)
    await end(made, loaded)()
    expect(await replaceDevice(made.context, loaded, 0, firstProof)).toBe('gone')
    expect(made.commands()).toEqual(['save'])
    expect(await isListedAsBound(made, loaded)).toBe(false)
  })

  it('is unavailable while the store is', async () => {
    const made = fake()
    const loaded = await owned(made, registered)
    made.store.down = true
    expect(await replaceDevice(made.context, loaded, 0, firstProof)).toBe('unavailable')
    expect(await isListedAsBound(made, loaded)).toBe(false)
  })

  it('is unavailable if the session has no room for its key, and goes on without it', async () => {
    const made = fake({ maxBytes: 1000 })
    const loaded = await put(made, { a: 'x'.repeat(600) }, { device: offered })
    expect(await replaceDevice(made.context, loaded, 0, registration)).toBe('unavailable')
    expect(made.commands()).toEqual([])
    expect(await deviceOf(made, loaded)).toEqual(offered)
  })

  it('is unavailable beside data of another version, which stay as they are', async () => {
    const made = fake({ migrate: { version: 1, reads: 2, up: (data) => data } })
    const loaded = await put(made, { a: 1 }, { device: offered, version: 1 })
    await change(made, loaded, (record) => ({ ...record, version: 2 }))()
    expect(await replaceDevice(made.context, loaded, 0, registration)).toBe('unavailable')
    expect((await read(made, loaded.address))?.record).toMatchObject({
      device: offered,
      version: 2,
    })
  })

  it.each(['config', 'auth', 'too-large'])('fails by a fault in the set-up: %s', async (code) => {
    const made = fake()
    const loaded = await owned(made, offered)
    const fault = Object.assign(new Error('the set-up'), { code })
    const failing: Fault = () => Promise.reject(fault)
    made.store.fail('save', failing)
    await expect(replaceDevice(made.context, loaded, 0, registration)).rejects.toBe(fault)
  })
})
