import { describe, expect, it } from 'vitest'
import { put } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { fakeWithTimers } from '../../test/fakes/timers.ts'
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
