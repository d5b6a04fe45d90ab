import { describe, expect, it } from 'vitest'
import {
  change,
  day,
  fake,
  forwarding,
  newAddress,
  put,
  refused,
  renewing,
  second,
  start,
} from '../../test/fakes/context.ts'
import { isLoaded, followForwards } from './follow-forwards.ts'

describe('followForwards', () => {
  it('reads a record in one command, and moves its expiry if it is told to', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const { address } = loaded
    expect(await followForwards(made.context, address)).toEqual(loaded)
    expect(made.store.expiries.get(address.id)).toBeUndefined()
    expect(await followForwards(made.context, address, start + day)).toEqual(loaded)
    expect(made.store.expiries.get(address.id)).toBe(start + day)
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('rule 2: tells what is missing, what cannot be read, and an outage apart', async () => {
    const made = fake()
    const address = await newAddress(made)
    expect(await followForwards(made.context, address)).toBe('missing')
    made.store.fail('load', refused)
    expect(await followForwards(made.context, address)).toBe('unavailable')
    await made.store.create(address.id, Uint8Array.of(1), start + day)
    expect(await followForwards(made.context, address)).toBe('unreadable')
  })

  it('T4: follows a forward to the record, and moves the expiry of that alone', async () => {
    const made = fake()
    const [old, moved] = [await put(made, { a: 1 }), await put(made, { a: 1, moved: true })]
    await change(made, old, forwarding(moved.address.token))()
    const forwarded = { ...moved, isForwarded: true }
    expect(await followForwards(made.context, old.address, start + day)).toEqual(forwarded)
    expect(made.commands()).toEqual(['load', 'load', 'load'])
    expect(made.store.expiries.get(moved.address.id)).toBe(start + day)
    expect(made.store.expiries.get(old.address.id)).toBe(start + 15 * second)
    await followForwards(made.context, old.address)
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('T4: follows a forward for its 15 seconds, though the store has it for longer', async () => {
    const made = fake()
    const [old, moved] = [await put(made, {}), await put(made, {})]
    await change(made, old, forwarding(moved.address.token))()
    made.clock.now = start + 15 * second - 1
    expect(await followForwards(made.context, old.address)).toEqual({ ...moved, isForwarded: true })
    made.clock.now = start + 15 * second
    made.commands()
    expect(await followForwards(made.context, old.address)).toBe('missing')
    expect(made.commands()).toEqual(['load'])
  })

  it('T4: follows a forward behind a forward, each for its own 15 seconds', async () => {
    const made = fake()
    const all = [await put(made, {}), await put(made, {}), await put(made, { a: 1 })] as const
    await change(made, all[0], forwarding(all[1].address.token))()
    const { token } = all[2].address
    const later = { kind: 'forward', token, until: start + 25 * second } as const
    await change(made, all[1], () => later)()
    expect(await followForwards(made.context, all[0].address)).toEqual({
      ...all[2],
      isForwarded: true,
      isReused: true,
    })
    expect(made.commands()).toEqual(['load', 'load', 'load'])
    made.clock.now = start + 15 * second
    expect(await followForwards(made.context, all[0].address)).toBe('missing')
    expect(await followForwards(made.context, all[1].address)).toEqual({
      ...all[2],
      isForwarded: true,
    })
  })

  it('rule 4: tells of a renewal behind a forward', async () => {
    const made = fake()
    const all = [await put(made, {}), await put(made, {}), await put(made, {})] as const
    await change(made, all[0], forwarding(all[1].address.token))()
    await renewing(made, all[1], all[2].address)(async () => null)
    const found = await followForwards(made.context, all[0].address)
    expect(found).toMatchObject({ kind: 'moved', id: all[2].address.id })
  })

  it('S32: gives up on forwards that lead in a circle', async () => {
    const made = fake()
    const all = [await put(made, {}), await put(made, {})] as const
    await change(made, all[0], forwarding(all[1].address.token))()
    await change(made, all[1], forwarding(all[0].address.token))()
    expect(await followForwards(made.context, all[0].address)).toBe('missing')
    expect(made.commands()).toHaveLength(16)
  })

  it('rule 2: says what became of the record behind a forward', async () => {
    const made = fake()
    const old = await put(made, {})
    const address = await newAddress(made)
    await change(made, old, forwarding(address.token))()
    expect(await followForwards(made.context, old.address)).toBe('missing')
    made.store.fail('load', (run) => run(), refused)
    expect(await followForwards(made.context, old.address)).toBe('unavailable')
    await made.store.create(address.id, Uint8Array.of(1), start + day)
    expect(await followForwards(made.context, old.address)).toBe('unreadable')
  })

  it('rule 4: gives a mark for its 60 seconds, which names the new record and no token', async () => {
    for (const isSealed of [false, true]) {
      const made = fake({}, isSealed)
      const loaded = await put(made, { a: 1 })
      const target = await newAddress(made)
      await renewing(made, loaded, target)(async () => null)
      const mark = await followForwards(made.context, loaded.address)
      expect(mark).toMatchObject({ kind: 'moved', id: target.id, owner: null })
      expect(JSON.stringify(mark)).not.toContain(target.token)
      made.clock.now = start + 60 * second
      expect(await followForwards(made.context, loaded.address)).toBe('missing')
    }
  })
})

describe('isLoaded', () => {
  it('tells a session from all that may be there instead', async () => {
    const made = fake()
    const loaded = await put(made, {})
    const mark = { kind: 'moved', id: 'I', markKey: 'K', owner: null, until: start } as const
    const all = [loaded, mark, 'missing', 'unreadable', 'unavailable'] as const
    expect(all.map(isLoaded)).toEqual([true, false, false, false, false])
  })
})
