import { describe, expect, it } from 'vitest'
import {
  day,
  fake,
  newAddress,
  put,
  refused,
  renewing,
  start,
  valuesOf,
} from '../../test/fakes/context.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { readAgain } from './read-again.ts'

describe('readAgain', () => {
  it('reads the session as it is stored now, in one command that does not move its expiry', async () => {
    const made = fake()
    const { address } = await put(made, { a: 1 })
    const found = (await readAgain(made.context, address)) as LoadedSession
    expect(valuesOf(found.record)).toEqual({ a: 1 })
    expect(found.address).toBe(address)
    expect(made.commands()).toEqual(['load'])
    expect(made.store.expiries.get(address.id)).toBeUndefined()
  })

  it('follows a forward, to the address of the new token', async () => {
    const made = fake()
    const { address } = await put(made, { a: 1 })
    const old = await newAddress(made)
    const forward = { kind: 'forward', token: address.token, until: start + 15_000 } as const
    await made.context.records.create(old, forward, start + day)
    expect(await readAgain(made.context, old)).toMatchObject({ address })
  })

  it('rule 4: is moved if the session was renewed, and gone when the mark counts no more', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    await renewing(made, loaded, await newAddress(made))(async () => null)
    expect(await readAgain(made.context, loaded.address)).toBe('moved')
    made.clock.now = start + 60_000
    expect(await readAgain(made.context, loaded.address)).toBe('gone')
  })

  it('is unavailable, and says why, if another version of the app has saved it', async () => {
    const made = fake()
    const { address } = await put(made, { a: 1 }, { version: 1 })
    expect(await readAgain(made.context, address)).toBe('unavailable')
    const idPrefix = address.id.slice(0, 8)
    expect(made.events).toEqual([{ type: 'record.unreadable', idPrefix, reason: 'newer-version' }])
  })

  it('T1: is gone if there is none', async () => {
    const made = fake()
    expect(await readAgain(made.context, await newAddress(made))).toBe('gone')
  })

  it('rule 2: is unavailable, not gone, if it cannot be read', async () => {
    const made = fake()
    const { address } = await put(made, {})
    made.store.fail('load', refused)
    expect(await readAgain(made.context, address)).toBe('unavailable')
    const other = await newAddress(made)
    await made.store.create(other.id, Uint8Array.of(1, 2, 3), start + day)
    expect(await readAgain(made.context, other)).toBe('unavailable')
  })
})
