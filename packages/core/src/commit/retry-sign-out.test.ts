import { describe, expect, it } from 'vitest'
import {
  change,
  forwarding,
  listOf,
  newAddress,
  passed,
  put,
  read,
  refused,
  renewing,
  second,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { fakeWithTimers } from '../../test/fakes/timers.ts'
import { newOwner } from '../subjects/operations.ts'
import { destroy } from './destroy.ts'
import { maxLogoutTries } from './retry-sign-out.ts'

describe('a sign-out that the store has not confirmed', () => {
  const unconfirmed = async (made: Fake): Promise<string> => {
    const { address } = await put(made, { a: 1 })
    made.store.down = true
    const { outcome } = await destroy(made.context, address, null)
    expect(outcome).toBe('unconfirmed')
    made.commands()
    return address.id
  }

  it('T7: is refused at once, and until the store has confirmed it', async () => {
    const made = fakeWithTimers()
    const id = await unconfirmed(made)
    for (let n = 0; n < 2; n++) {
      await made.tick()
      expect(made.context.refusedIds.has(id)).toBe(true)
    }
    made.store.down = false
    await made.tick()
    expect(made.context.refusedIds.has(id)).toBe(false)
    const { length } = made.store.log
    await made.tick()
    expect(made.store.log).toHaveLength(length)
    expect(await made.store.elsewhere(() => made.store.load(id))).toBeNull()
  })

  it('T7, S32: is tried again after 1, 2, 4 … 60 seconds, 64 times at most', async () => {
    const made = fakeWithTimers()
    const id = await unconfirmed(made)
    for (let n = 0; n < 100; n++) await made.tick()
    expect(made.timers.slice(0, 8)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ])
    expect(made.timers).toHaveLength(64)
    expect(maxLogoutTries).toBe(64)
    expect(made.commands()).toHaveLength(128)
    expect(made.context.refusedIds.has(id)).toBe(false)
  })

  it('closes the connections that it has opened, after every try', async () => {
    const made = fakeWithTimers()
    const { address } = await put(made, { a: 1 })
    const releasedAfter: number[] = []
    const release = (): void => void releasedAfter.push(made.commands().length)
    made.store.down = true
    await destroy({ ...made.context, release }, address, null)
    made.commands()
    await made.tick()
    made.store.down = false
    await made.tick()
    await made.tick()
    expect(releasedAfter).toEqual([2, 2])
  })

  it('T7: is tried once at a time, however often the visitor asks', async () => {
    const made = fakeWithTimers()
    const { address } = await put(made, { a: 1 })
    made.store.down = true
    for (let n = 0; n < 10; n++) await destroy(made.context, address, null)
    expect(made.timers).toEqual([1000])
    made.commands()
    await made.tick()
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('ends when the session turns out to be gone', async () => {
    const made = fakeWithTimers()
    const id = await unconfirmed(made)
    made.store.down = false
    await made.store.elsewhere(() => made.store.delete(id))
    await made.tick()
    expect(made.context.refusedIds.has(id)).toBe(false)
    expect(made.commands()).toEqual(['load'])
  })

  it('ends when the id is not pending any more, since 10,000 others came after it', async () => {
    const made = fakeWithTimers()
    const id = await unconfirmed(made)
    made.context.refusedIds.delete(id)
    await made.tick()
    made.commands()
    await made.tick()
    expect(made.commands()).toEqual([])
    expect(made.timers).toEqual([1000])
  })

  it('S38: cannot end the process by a fault in the set-up, and goes on trying', async () => {
    const made = fakeWithTimers()
    const id = await unconfirmed(made)
    made.store.down = false
    made.store.fail('delete', () =>
      Promise.reject(Object.assign(new Error('wrong password'), { code: 'auth' })),
    )
    await made.tick()
    expect(made.context.refusedIds.has(id)).toBe(true)
    await made.tick()
    expect(made.context.refusedIds.has(id)).toBe(false)
  })
})

describe('T7: a sign-out that was not confirmed, of a session that has moved', () => {
  /** A session with a subject, its old token, and how that leads to it. */
  const moved = async (made: Fake, way: 'mark' | 'forward') => {
    const owner = await newOwner(made.context, 'zoë')
    const [old, fresh] = [await put(made, {}, { owner }), await put(made, {}, { owner })]
    const there = fresh.address
    if (way === 'mark') await renewing(made, old, there)(() => Promise.resolve())
    else await change(made, old, forwarding(there.token))()
    return { owner, old, fresh }
  }

  it.each(['mark', 'forward'] as const)(
    'ends it though the %s that led to it is gone when the store is back',
    async (way) => {
      const made = fakeWithTimers()
      const { owner, old, fresh } = await moved(made, way)
      made.store.fail('load', passed, refused, refused)
      const { outcome } = await destroy(made.context, old.address, null)
      expect(outcome).toBe('unconfirmed')
      made.clock.now += 61 * second
      await made.tick()
      expect(await read(made, fresh.address)).toBeNull()
      expect(await listOf(made, owner)).toEqual([])
    },
  )

  it('refuses its id under the new token as well, until it has ended', async () => {
    const made = fakeWithTimers()
    const { old, fresh } = await moved(made, 'forward')
    const { refusedIds } = made.context
    made.store.fail('load', passed, refused, refused, refused, refused)
    await destroy(made.context, old.address, null)
    const refuses = () => [old, fresh].map(({ address }) => refusedIds.has(address.id))
    expect(refuses()).toEqual([true, true])
    await made.tick()
    expect(refuses()).toEqual([true, true])
    await made.tick()
    expect(refuses()).toEqual([false, false])
  })

  it('follows it, if another process moves it between two tries, and refuses it there', async () => {
    const made = fakeWithTimers()
    const { owner, old, fresh } = await moved(made, 'forward')
    const last = await put(made, {}, { owner })
    made.store.fail('load', passed, refused, refused)
    await destroy(made.context, old.address, null)
    await change(made, fresh, forwarding(last.address.token))()
    made.store.fail('load', passed, refused, refused)
    await made.tick()
    expect(made.context.refusedIds.has(last.address.id)).toBe(true)
    made.clock.now += 61 * second
    await made.tick()
    expect(await read(made, last.address)).toBeNull()
    expect(made.context.refusedIds.has(last.address.id)).toBe(false)
  })

  it('leaves alone what another sign-out refuses', async () => {
    const made = fakeWithTimers()
    const { old, fresh } = await moved(made, 'forward')
    made.store.fail('load', refused, refused, passed, refused, refused, refused, refused)
    await destroy(made.context, fresh.address, null)
    await destroy(made.context, old.address, null)
    expect(made.timers).toEqual([1000, 1000])
    await made.tick()
    expect(await read(made, fresh.address)).toBeNull()
    await made.tick()
    expect(made.context.refusedIds.has(fresh.address.id)).toBe(false)
    expect(made.context.refusedIds.has(old.address.id)).toBe(false)
  })

  it('ends it by its list if another process has moved it, and what it left is gone', async () => {
    const made = fakeWithTimers()
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    made.store.fail('delete', refused, refused)
    const { outcome } = await destroy(made.context, loaded.address, loaded)
    expect(outcome).toBe('unconfirmed')
    await renewing(made, loaded, await newAddress(made))(() => Promise.resolve())
    made.clock.now += 61 * second
    made.store.fail('load', passed, refused)
    await made.tick()
    expect(await listOf(made, owner)).toHaveLength(1)
    expect(made.context.refusedIds.has(loaded.address.id)).toBe(true)
    await made.tick()
    expect(await listOf(made, owner)).toEqual([])
    expect(made.context.refusedIds.has(loaded.address.id)).toBe(false)
  })
})
