import { describe, expect, it } from 'vitest'
import {
  answered,
  change,
  end,
  entryAt,
  fake,
  forwarding,
  listOf,
  newAddress,
  passed,
  put,
  refused,
  renewing,
  second,
  setting,
  start,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { createToken } from '../crypto/token.ts'
import { delist, newOwner } from '../subjects/operations.ts'
import { insecure, load, nothingFound } from './load.ts'
import type { Found } from './load.ts'
import type { LoadedSession } from './follow-forwards.ts'

const unknown = ({ id }: { readonly id: string }): object => ({
  type: 'token.unknown',
  idPrefix: id.slice(0, 8),
})

async function putOwned(made: Fake): Promise<LoadedSession> {
  return put(made, { a: 1 }, { owner: await newOwner(made.context, 'zoë') })
}

function liveAt(loaded: LoadedSession): Found {
  return { state: 'live', address: loaded.address, loaded, isSeenDue: false }
}

describe('load', () => {
  it('rule 6: finds a live session with one command, which moves its idle end', async () => {
    const made = fake({ lifetime: { idle: 60 } })
    const loaded = await put(made, { a: 1 })
    made.clock.now += 5 * second
    const found = await load(made.context, loaded.address.token, true)
    expect(found).toEqual({ ...liveAt(loaded), owner: null })
    expect(made.commands()).toEqual(['load'])
    expect(made.store.expiries.get(loaded.address.id)).toBe(start + 65 * second)
    expect(made.events).toEqual([])
  })

  it('S8: leaves the idle end where it is if the request is no use of the session', async () => {
    const made = fake()
    const { address } = await put(made, { a: 1 })
    expect(await load(made.context, address.token, false)).toMatchObject({ state: 'live' })
    expect(made.store.expiries.get(address.id)).toBeUndefined()
  })

  it('S55: adopts no token that the store does not know, and says so', async () => {
    const made = fake()
    const address = await newAddress(made)
    expect(await load(made.context, address.token, true)).toEqual(nothingFound)
    expect(made.commands()).toEqual(['load'])
    expect(made.events).toEqual([unknown(address)])
  })

  it('S55: adopts none of 1,000 tokens that were made up', async () => {
    const made = fake()
    for (let n = 0; n < 1000; n++) {
      const found = await load(made.context, createToken(made.context.random), true)
      expect(found).toEqual(nothingFound)
    }
    expect(new Set(made.commands())).toEqual(new Set(['load']))
    expect(made.events).toHaveLength(1000)
  })

  it('S26: finds nothing under another namespace', async () => {
    const made = fake()
    const { address } = await put(made, { a: 1 })
    const other = { ...made.context, namespace: 'other' }
    expect(await load(other, address.token, true)).toEqual(nothingFound)
  })

  it('S9: finds nothing from the absolute end on, whatever the store still has', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const { address } = await put(made, { a: 1 })
    made.clock.now = start + 90 * second - 1
    expect(await load(made.context, address.token, true)).toMatchObject({ state: 'live' })
    made.clock.now = start + 90 * second
    expect(await load(made.context, address.token, true)).toEqual({ ...nothingFound, why: 'ended' })
    expect(made.events).toEqual([unknown(address)])
  })

  it('S9, S41: lets a record that has ended go an idle time later, however often it is read', async () => {
    const made = fake({ lifetime: { idle: 40, absolute: 90 } })
    const loaded = await put(made, { a: 1 })
    for (const after of [90, 100, 129]) {
      made.clock.now = start + after * second
      expect(await load(made.context, loaded.address.token, true)).toMatchObject({ why: 'ended' })
    }
    made.clock.now = start + 130 * second
    expect(await entryAt(made, loaded)).toBe('missing')
  })

  it('ends no session for a process whose absolute time is longer, or whose clock is behind', async () => {
    const [short, long] = [fake({ lifetime: { absolute: 90 } }), fake()]
    const context = { ...long.context, records: short.context.records }
    const { address } = await put(short, { a: 1 })
    short.clock.now = start + 90 * second
    expect(await load(short.context, address.token, true)).toMatchObject({ why: 'ended' })
    expect(await load(context, address.token, true)).toMatchObject({ state: 'live' })
  })

  it('moves no end of a record that has ended if the request is no use of it, or the store fails', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const { address } = await put(made, { a: 1 })
    made.clock.now = start + 90 * second
    await load(made.context, address.token, false)
    expect(made.commands()).toEqual(['load'])
    made.store.fail('load', (run) => run())
    made.store.fail('load', () =>
      Promise.reject(Object.assign(new Error('no'), { code: 'config' })),
    )
    expect(await load(made.context, address.token, true)).toMatchObject({ why: 'ended' })
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('leaves a remembered session that another process may still know how long to keep', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, { a: 1 }, { isPersistent: true })
    made.clock.now = start + 90 * second
    expect(await load(made.context, loaded.address.token, true)).toMatchObject({ why: 'ended' })
    expect(made.commands()).toEqual(['load'])
  })

  it('rule 2: is unavailable in an outage, and unreadable if the record is, never nothing', async () => {
    const made = fake()
    const { address } = await put(made, {})
    made.store.fail('load', refused)
    expect(await load(made.context, address.token, true)).toEqual({
      state: 'unavailable',
      address,
      loaded: null,
      isSeenDue: false,
    })
    const other = await newAddress(made)
    await made.store.create(other.id, Uint8Array.of(1), start + second)
    expect(await load(made.context, other.token, true)).toEqual({
      state: 'unreadable',
      address: other,
      loaded: null,
      isSeenDue: false,
    })
    expect(made.events.map(({ type }) => type)).toEqual(['store.failed', 'record.unreadable'])
  })

  it('T4: follows a forward, and finds the session at the address of its new token', async () => {
    const made = fake()
    const [old, moved] = [await put(made, {}), await put(made, { a: 1 })]
    await change(made, old, forwarding(moved.address.token))()
    expect(await load(made.context, old.address.token, true)).toEqual({
      state: 'live',
      address: moved.address,
      loaded: { ...moved, isForwarded: true },
      isSeenDue: false,
      owner: null,
    })
  })

  it('rule 4: reports the token before the last, whether or not the last one was used', async () => {
    const made = fake()
    const all = [await put(made, {}), await put(made, {}), await put(made, {})] as const
    await change(made, all[0], forwarding(all[1].address.token))()
    await change(made, all[1], forwarding(all[2].address.token))()
    await change(made, all[2], (record) => ({ ...record, isTokenUnused: true }))()
    made.events.length = 0
    const { token, id } = all[0].address
    expect(await load(made.context, token, true)).toMatchObject({ state: 'live' })
    expect(made.events).toEqual([{ type: 'token.reused', idPrefix: id.slice(0, 8) }])
  })

  it('rule 4: is moved if the session was renewed, for 60 seconds, and nothing after', async () => {
    const made = fake({}, true)
    const loaded = await put(made, { a: 1 })
    const { address } = loaded
    await renewing(made, loaded, await newAddress(made))(async () => null)
    made.events.length = 0
    expect(await load(made.context, address.token, true)).toEqual({
      state: 'moved',
      address,
      mark: expect.objectContaining({ kind: 'moved' }),
      loaded: null,
      isSeenDue: false,
      owner: null,
    })
    // The second one gives the mark its own 60 seconds back.
    expect(made.commands()).toEqual(['load', 'load'])
    expect(made.store.expiries.get(address.id)).toBe(start + 60 * second)
    expect(made.events).toEqual([])
    made.clock.now += 60 * second
    expect(await load(made.context, address.token, true)).toEqual(nothingFound)
    expect(made.events).toEqual([unknown(address)])
  })

  it('B8: says that an old token came after the new one was used, and not before', async () => {
    for (const isTokenUnused of [true, false]) {
      const made = fake()
      const [old, moved] = [await put(made, {}), await put(made, {}, { isTokenUnused })]
      await change(made, old, forwarding(moved.address.token))()
      await load(made.context, old.address.token, true)
      const idPrefix = old.address.id.slice(0, 8)
      expect(made.events).toEqual(isTokenUnused ? [] : [{ type: 'token.reused', idPrefix }])
      made.events.length = 0
      await load(made.context, moved.address.token, true)
      expect(made.events).toEqual([])
    }
  })

  it('has nothing to find for a request over plain http, and does not call it new', () => {
    const none = { address: null, loaded: null, isSeenDue: false }
    expect(insecure).toEqual({ state: 'unavailable', ...none, why: 'insecure' })
    expect(nothingFound).toEqual({ state: 'nothing', ...none })
  })
})

describe('a session whose sign-out is pending', () => {
  it('T7: is refused without a trip, but can be destroyed again', async () => {
    const made = fake()
    const { address } = await put(made, { a: 1 })
    made.context.refusedIds.add(address.id)
    expect(await load(made.context, address.token, true)).toEqual({
      state: 'unreadable',
      address,
      loaded: null,
      isSeenDue: false,
      why: 'signing-out',
    })
    expect(made.commands()).toEqual([])
    expect(made.events).toEqual([unknown(address)])
  })

  it('T7: is refused by its old token too, which leads to the one that is ending', async () => {
    const made = fake()
    const [old, moved] = [await put(made, {}), await put(made, { a: 1 })]
    await change(made, old, forwarding(moved.address.token))()
    made.context.refusedIds.add(moved.address.id)
    expect(await load(made.context, old.address.token, true)).toEqual({
      state: 'unreadable',
      address: moved.address,
      loaded: null,
      isSeenDue: false,
      owner: null,
      why: 'signing-out',
    })
    expect(made.events).toEqual([unknown(moved.address)])
  })
})

const revoked = { ...nothingFound, why: 'revoked' } as const

describe('a session with a subject', () => {
  it('S11: is live while it is in its subject’s list', async () => {
    const made = fake()
    const loaded = await putOwned(made)
    const found = await load(made.context, loaded.address.token, true)
    expect(found).toEqual({ ...liveAt(loaded), owner: loaded.record.owner })
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('rule 6: is read with its list at once, in one trip, from the second time on', async () => {
    const made = fake()
    const { address, record } = await putOwned(made)
    await load(made.context, address.token, true)
    made.commands()
    let isListAsked = false
    made.store.fail('load', async (run) => {
      await Promise.resolve()
      isListAsked = made.store.log.some(([, id]) => id === record.owner?.listId)
      return run()
    })
    expect(await load(made.context, address.token, true)).toMatchObject({ state: 'live' })
    expect(isListAsked).toBe(true)
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('E3: is told to its list after a quarter of the idle time, in two commands, if the request is a use', async () => {
    const made = fake({ lifetime: { idle: 400 } })
    const { address, record } = await putOwned(made)
    for (const [seconds, touch, isSeenDue, isTold] of [
      [99, true, false, false],
      [100, false, true, false],
      [100, true, false, true],
      [100, true, false, false],
      [101, false, false, false],
    ] as const) {
      made.clock.now = start + seconds * second
      made.commands()
      const found = await load(made.context, address.token, touch)
      expect([seconds, touch, found.isSeenDue]).toEqual([seconds, touch, isSeenDue])
      expect(made.commands().slice(2)).toEqual(isTold ? ['load', 'save'] : [])
    }
    expect(await listOf(made, record.owner)).toMatchObject([
      [record.owner?.ref, { createdAt: start, seenAt: start + 100 * second }],
    ])
  })

  it('E3: is live also if its list cannot be told', async () => {
    const made = fake({ lifetime: { idle: 400 } })
    const { address } = await putOwned(made)
    made.clock.now = start + 100 * second
    for (const fault of [refused, answered({ bytes: Uint8Array.of(1), version: 1 })]) {
      made.store.fail('load', passed, passed, fault)
      expect(await load(made.context, address.token, true)).toMatchObject({ state: 'live' })
    }
  })

  it('S11: is over once it is out of the list, or the list is gone, known or not', async () => {
    for (const isKnown of [false, true]) {
      for (const way of ['taken out', 'deleted'] as const) {
        const made = fake()
        const { address, record } = await putOwned(made)
        const { owner } = record
        if (owner === null) throw new Error('there is no owner')
        if (isKnown) await load(made.context, address.token, true)
        await made.store.elsewhere(async () => {
          const list = { id: owner.listId, keyMaterial: `subject ${owner.subject}` }
          await made.context.lists.delete(owner.listId)
          if (way === 'taken out') await made.context.lists.create(list, new Map(), start + 1e6)
        })
        expect(await load(made.context, address.token, true)).toEqual(revoked)
        expect(made.events).toEqual([unknown(address)])
      }
    }
  })

  it('rule 2: is unavailable, not over, if its list cannot be reached, known or not', async () => {
    for (const isKnown of [false, true]) {
      const made = fake()
      const { address, record } = await putOwned(made)
      if (isKnown) await load(made.context, address.token, true)
      made.store.fail('load', passed, refused)
      expect(await load(made.context, address.token, true)).toEqual({
        state: 'unavailable',
        address,
        loaded: null,
        isSeenDue: false,
        owner: record.owner,
      })
    }
  })

  it('S41: is over if the secret is gone that its list was named with', async () => {
    const made = fake()
    const loaded = await putOwned(made)
    const owner = { ...loaded.record.owner!, listId: 'a list of another secret' }
    await change(made, loaded, (record) => ({ ...record, owner }))()
    expect(await load(made.context, loaded.address.token, true)).toEqual(revoked)
    expect(new Set(made.store.log.map(([, id]) => id))).toEqual(new Set([loaded.address.id]))
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('B3: is moved if a sign-in takes it out of its list between the two reads', async () => {
    for (const isKnown of [false, true]) {
      const made = fake()
      const loaded = await putOwned(made)
      const { address, record } = loaded
      if (isKnown) await load(made.context, address.token, true)
      const { owner } = record
      if (owner === null) throw new Error('there is no owner')
      const moving = renewing(made, loaded, await newAddress(made))
      made.store.fail('load', passed, async (run) => {
        await moving(async () => null)
        await made.store.elsewhere(() => delist(made.context, owner))
        return run()
      })
      expect(await load(made.context, address.token, true)).toEqual({
        state: 'moved',
        address,
        mark: expect.objectContaining({ kind: 'moved' }),
        loaded: null,
        isSeenDue: false,
        owner,
      })
      expect(made.events).toEqual([])
    }
  })

  it('costs one trip more if it was signed in to as another meanwhile, and nothing else', async () => {
    const made = fake()
    const first = await putOwned(made)
    await load(made.context, first.address.token, true)
    const owner = await newOwner(made.context, 'ann')
    const other = await put(made, {}, { owner })
    await change(made, first, (record) => ({ ...record, owner: other.record.owner }))()
    made.commands()
    expect(await load(made.context, first.address.token, true)).toMatchObject({ state: 'live' })
    expect(made.commands()).toEqual(['load', 'load', 'load'])
    made.commands()
    expect(await load(made.context, first.address.token, true)).toMatchObject({ state: 'live' })
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('is gone like any other, and its list is not looked for', async () => {
    const made = fake()
    const loaded = await putOwned(made)
    await change(made, loaded, setting({ b: 1 }))()
    await end(made, loaded)()
    expect(await load(made.context, loaded.address.token, true)).toEqual(nothingFound)
    expect(made.commands()).toEqual(['load'])
  })
})
