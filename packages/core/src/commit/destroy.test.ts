import { describe, expect, it } from 'vitest'
import {
  after,
  answered,
  change,
  day,
  end,
  fake,
  forwarding,
  listOf,
  lost,
  newAddress,
  put,
  putList,
  read,
  refused,
  renewing,
  setting,
  start,
} from '../../test/fakes/context.ts'
import type { Fake, Fault } from '../../test/fakes/context.ts'
import { fakeWithTimers } from '../../test/fakes/timers.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { SessionRecord } from '../store/record.ts'
import { newOwner } from '../subjects/operations.ts'
import { destroy } from './destroy.ts'
import { leaveMovedMark } from './leave-under-old-id.ts'

const rotating = { lifetime: { rotate: 60 } }

describe('destroy', () => {
  it.each([
    ['tokens that do not rotate', {}],
    ['tokens that rotate', rotating],
  ])('rule 6: is one command for a session that was loaded, with %s', async (_name, options) => {
    const made = fake(options)
    const loaded = await put(made, { a: 1 })
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'destroyed', tries: 1 })
    expect(made.commands()).toEqual(['delete'])
    expect(await read(made, loaded.address)).toBeNull()
    expect(made.context.refusedIds.has(loaded.address.id)).toBe(false)
  })

  it('rule 6: is two commands for a session that was not loaded', async () => {
    for (const options of [{}, rotating]) {
      const made = fake(options)
      const { address } = await put(made, { a: 1 })
      expect(await destroy(made.context, address, null)).toEqual({
        outcome: 'destroyed',
        tries: 1,
      })
      expect(made.commands()).toEqual(['load', 'delete'])
    }
  })

  it('takes a session that was not loaded out of its subject’s list', async () => {
    const made = fake()
    const { address, record } = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    await destroy(made.context, address, null)
    expect(made.commands()).toEqual(['load', 'delete', 'load', 'save'])
    expect(await listOf(made, record.owner)).toEqual([])
  })

  it('takes the session out of its subject’s list', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    await destroy(made.context, loaded.address, loaded)
    expect(made.commands()).toEqual(['delete', 'load', 'save'])
    expect(await listOf(made, loaded.record.owner)).toEqual([])
  })

  it('E1: takes a session that had ended before out of the list, which says who is alive', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    await end(made, loaded)()
    expect(await destroy(made.context, loaded.address, loaded)).toMatchObject({ outcome: 'gone' })
    expect(made.commands()).toEqual(['delete', 'load', 'save'])
    expect(await listOf(made, loaded.record.owner)).toEqual([])
  })

  it('is done even if the list cannot be reached', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    made.store.fail('load', refused)
    expect(await destroy(made.context, loaded.address, loaded)).toMatchObject({
      outcome: 'destroyed',
    })
  })

  it('is gone if there is no session', async () => {
    for (const options of [{}, rotating]) {
      const made = fake(options)
      const written = await destroy(made.context, await newAddress(made), null)
      expect(written).toEqual({ outcome: 'gone', tries: 1 })
      expect(made.commands()).toHaveLength(1)
    }
  })

  it('passes on the error of a fault in the set-up', async () => {
    const made = fake()
    const loaded = await put(made, {})
    const fault = Object.assign(new Error('wrong password'), { code: 'auth' })
    made.store.fail('delete', () => Promise.reject(fault))
    await expect(destroy(made.context, loaded.address, loaded)).rejects.toBe(fault)
  })
})

describe('a sign-out whose answer is lost', () => {
  it.each<[string, Fault, string, string[]]>([
    ['refused', refused, 'destroyed', ['delete', 'load', 'delete']],
    ['lost', lost, 'gone', ['delete', 'load']],
  ])('is settled by asking, when it was %s', async (_name, fault, outcome, commands) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', fault)
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written.outcome).toBe(outcome)
    expect(made.commands()).toEqual(commands)
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('E1: takes the session out of its list though the answer to the delete was lost', async () => {
    for (const isLoaded of [true, false]) {
      const made = fake()
      const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
      made.store.fail('delete', lost)
      await destroy(made.context, loaded.address, isLoaded ? loaded : null)
      expect(await listOf(made, loaded.record.owner)).toEqual([])
    }
  })

  it('T7: is unconfirmed after two, and the id is refused from then on', async () => {
    const made = fakeWithTimers()
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', refused, refused)
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'unconfirmed', tries: 2 })
    expect(made.commands()).toEqual(['delete', 'load', 'delete'])
    expect(made.context.refusedIds.has(loaded.address.id)).toBe(true)
  })
})

describe('a sign-out beside other requests', () => {
  it('follows a rotation in between, and ends the session under its new token', async () => {
    const made = fake(rotating)
    const loaded = await put(made, { a: 1 })
    const moved = await put(made, { a: 1 })
    made.store.fail('delete', after(change(made, loaded, forwarding(moved.address.token))))
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'destroyed', tries: 2 })
    expect(made.waits).toEqual([1])
    expect(made.commands()).toEqual(['delete', 'load', 'load', 'delete'])
    expect(await read(made, moved.address)).toBeNull()
  })

  it('tries again after a save in between', async () => {
    const made = fake(rotating)
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', after(change(made, loaded, setting({ b: 1 }))))
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'destroyed', tries: 2 })
    expect(made.waits).toEqual([1])
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('is gone if another sign-out was first', async () => {
    const made = fake(rotating)
    const loaded = await put(made, { a: 1 })
    await end(made, loaded)()
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
  })

  it('is gone if the answer was lost, and the session is not there any more', async () => {
    const made = fake(rotating)
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', lost)
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual(['delete', 'load'])
  })

  it('is sent once more if it was refused, when the session is still there', async () => {
    const made = fake(rotating)
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', refused)
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'destroyed', tries: 2 })
    expect(made.commands()).toEqual(['delete', 'load', 'delete'])
    expect(made.waits).toEqual([])
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('S32: is unconfirmed after 16 conflicts', async () => {
    const made = fakeWithTimers({ rotate: 60 })
    const context = { ...made.context, backOff: async () => {} }
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', ...Array.from({ length: 16 }, () => answered('conflict')))
    const written = await destroy(context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'unconfirmed', tries: 16 })
    expect(made.commands().filter((command) => command === 'delete')).toHaveLength(16)
  })

  it('is unconfirmed if the store cannot be reached, after two tries', async () => {
    for (const [loads, deletes, commands] of [
      [[refused, refused], [], ['load', 'load']],
      [[refused], [refused], ['load', 'load', 'delete']],
    ] as const) {
      const made = fakeWithTimers({ rotate: 60 })
      const { address } = await put(made, { a: 1 })
      made.store.fail('load', ...loads)
      made.store.fail('delete', ...deletes)
      const written = await destroy(made.context, address, null)
      expect(written.outcome).toBe('unconfirmed')
      expect(made.commands()).toEqual(commands)
    }
  })

  it('stops when it was sent and cannot be asked for', async () => {
    const made = fakeWithTimers({ rotate: 60 })
    const loaded = await put(made, { a: 1 })
    made.store.fail('delete', refused)
    made.store.fail('load', refused)
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written.outcome).toBe('unconfirmed')
    expect(made.commands()).toEqual(['delete', 'load'])
  })

  it('deletes what cannot be read, whatever it is', async () => {
    for (const [faults, outcome, commands] of [
      [[], 'destroyed', ['load', 'delete']],
      [[refused], 'destroyed', ['load', 'delete', 'load', 'delete']],
      [[refused, refused], 'unconfirmed', ['load', 'delete', 'load', 'delete']],
      [[answered('missing')], 'gone', ['load', 'delete']],
    ] as const) {
      const made = fakeWithTimers({ rotate: 60 })
      const address = await newAddress(made)
      await made.store.elsewhere(() => made.store.create(address.id, Uint8Array.of(1), start + day))
      made.store.fail('delete', ...faults)
      const written = await destroy(made.context, address, null)
      expect(written.outcome).toBe(outcome)
      expect(made.commands()).toEqual(commands)
    }
  })
})

describe('a sign-out under a token that leads elsewhere', () => {
  it.each([
    [15_000 - 1, 'destroyed', false],
    [15_000, 'gone', true],
  ])('T4: after %i ms of a forward it is %s', async (milliseconds, outcome, isAlive) => {
    const made = fake(rotating)
    const [old, rotated] = [await put(made, { a: 1 }), await put(made, { a: 1 })]
    await change(made, old, forwarding(rotated.address.token))()
    made.clock.now = start + milliseconds
    expect(await destroy(made.context, old.address, null)).toEqual({ outcome, tries: 1 })
    expect((await read(made, rotated.address)) !== null).toBe(isAlive)
  })

  it('E1: takes the session out of its list when it was rotated and then signed out of', async () => {
    const made = fake(rotating)
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    const { token } = await newAddress(made)
    made.store.fail('delete', after(change(made, loaded, forwarding(token))))
    const written = await destroy(made.context, loaded.address, loaded)
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(await listOf(made, owner)).toEqual([])
  })

  it('E1: takes the session out of the list that its mark names when it was signed out of', async () => {
    const made = fake()
    const old = await put(made, {})
    const owner = await newOwner(made.context, 'zoë')
    await putList(made, owner, {})
    const target = await newAddress(made)
    const signedIn = { ...old, record: { ...old.record, owner } }
    made.store.fail('delete', renewing(made, signedIn, target))
    expect(await destroy(made.context, old.address, old)).toEqual({ outcome: 'gone', tries: 1 })
    expect(await listOf(made, owner)).toEqual([])
  })

  it('rule 1: is not done if a rotation hides the renewed session, and its list cannot be reached', async () => {
    for (const isDown of [true, false]) {
      const made = fake(rotating, true)
      const owner = await newOwner(made.context, 'zoë')
      const old = await put(made, {}, { owner })
      await putList(made, owner, {})
      const target = await put(made, {}, { owner })
      await made.store.elsewhere(() => leaveMovedMark(made.context, old, target.address, owner))
      await change(made, target, forwarding((await newAddress(made)).token))()
      if (isDown) made.store.fail('save', refused, refused, refused, refused)
      const written = await destroy(made.context, old.address, null)
      expect(written.outcome).toBe(isDown ? 'unconfirmed' : 'destroyed')
      // It is tried again, and finds the same way.
      await destroy(made.context, old.address, null)
      expect(await listOf(made, owner)).toEqual([])
    }
  })

  it('E1: takes a session that is gone out of the list, because it may have moved on', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const old = await put(made, {}, { owner })
    await renewing(made, old, await newAddress(made))(async () => null)
    expect(await destroy(made.context, old.address, null)).toEqual({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual(['load', 'load', 'load', 'save'])
    expect(await listOf(made, owner)).toEqual([])
  })
})

describe('a sign-out of a session that another process has sealed with its own secret', () => {
  const ours = 'a secret of this process with 32 characters'
  const theirs = 'a secret of another process, 32 characters'

  it('T7: is unconfirmed, deletes nothing and is tried again', async () => {
    for (const conflicts of [0, 1, 2]) {
      const made = fakeWithTimers({}, ours)
      const other = fake({ store: made.store, secrets: [theirs] })
      const foreign = await put(other, { a: 1 })
      const { address } = foreign
      made.store.fail('delete', ...Array.from({ length: conflicts }, () => answered('conflict')))
      const context = { ...made.context, backOff: async () => {} }
      const own = conflicts === 0 ? null : foreign
      if (conflicts === 2) {
        const unreadable = answered({ bytes: Uint8Array.of(1), version: 1 })
        made.store.fail('load', unreadable)
      }
      const written = await destroy(context, address, own)
      expect(written).toEqual({ outcome: 'unconfirmed', tries: Math.max(conflicts, 1) })
      expect(made.commands().filter((command) => command === 'delete')).toHaveLength(conflicts)
      expect(made.context.refusedIds.has(address.id)).toBe(true)
      expect(await read(other, address)).not.toBeNull()
    }
  })
})

describe.each([
  ['a store of this process', false],
  ['a store that holds sealed records', true],
])('a sign-out of a session that was renewed, in %s', (_name, isSealed) => {
  const renewed = async (
    made: Fake,
    from: LoadedSession,
    more: Partial<SessionRecord> = {},
  ): Promise<LoadedSession> => {
    const to = await put(made, { a: 1 }, more)
    await renewing(made, from, to.address)(async () => null)
    return to
  }

  it('B1: follows the mark, and ends the session under the token that it has now', async () => {
    const made = fake({}, isSealed)
    const old = await put(made, { a: 1 })
    made.store.fail('delete', async (run) => {
      fresh = await renewed(made, old)
      return run()
    })
    let fresh: LoadedSession = old
    const written = await destroy(made.context, old.address, old)
    expect(written.outcome).toBe('destroyed')
    expect(made.commands()).toEqual(['delete', 'load', 'load', 'delete'])
    expect(fresh).not.toBe(old)
    expect(await read(made, fresh.address)).toBeNull()
    expect(made.events.filter(({ type }) => type !== 'warning')).toEqual([])
  })

  it('B1: follows two marks', async () => {
    const made = fake({}, isSealed)
    const old = await put(made, { a: 1 })
    const second = await renewed(made, old)
    const third = await renewed(made, second)
    expect(await destroy(made.context, old.address, null)).toMatchObject({ outcome: 'destroyed' })
    expect(made.commands()).toEqual(['load', 'load', 'load', 'delete'])
    expect(await read(made, third.address)).toBeNull()
  })

  it('B1: follows a mark behind a forward', async () => {
    const made = fake({}, isSealed)
    const [old, rotated] = [await put(made, { a: 1 }), await put(made, { a: 1 })]
    await change(made, old, forwarding(rotated.address.token))()
    const fresh = await renewed(made, rotated)
    expect(await destroy(made.context, old.address, null)).toMatchObject({ outcome: 'destroyed' })
    expect(await read(made, fresh.address)).toBeNull()
  })

  it('takes the session out of the list of the subject that it has now', async () => {
    const made = fake({}, isSealed)
    const old = await put(made, { a: 1 })
    const owner = await newOwner(made.context, 'zoë')
    await renewed(made, { ...old, record: { ...old.record, owner } }, { owner })
    expect(await destroy(made.context, old.address, old)).toMatchObject({ outcome: 'destroyed' })
    expect(await listOf(made, owner)).toEqual([])
  })

  it('is gone, and ends nothing, when the mark does not count any more', async () => {
    const made = fake({}, isSealed)
    const old = await put(made, { a: 1 })
    const fresh = await renewed(made, old)
    made.clock.now = start + 60_000
    expect(await destroy(made.context, old.address, old)).toMatchObject({ outcome: 'gone' })
    expect(await read(made, fresh.address)).not.toBeNull()
  })

  it('is gone if the session has ended under its new token', async () => {
    const made = fake({}, isSealed)
    const old = await put(made, { a: 1 })
    await end(made, await renewed(made, old))()
    expect(await destroy(made.context, old.address, null)).toMatchObject({ outcome: 'gone' })
  })
})
