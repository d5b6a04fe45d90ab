import { describe, expect, it } from 'vitest'
import { day, fake, newAddress, put, refused, renewing, start } from '../../test/fakes/context.ts'
import type { LoadedSession } from './follow-forwards.ts'
import { markAddressOf, markKeyOf } from '../crypto/token.ts'
import { readEntry } from './read-entry.ts'

describe('readEntry', () => {
  it('reads a record in one command, and moves its expiry if it is told to', async () => {
    const made = fake({}, true)
    const { address, record, version } = await put(made, { a: 1 })
    expect(await readEntry(made.context, address)).toEqual({ address, record, version })
    expect(made.store.expiries.get(address.id)).toBeUndefined()
    await readEntry(made.context, address, start + day)
    expect(made.store.expiries.get(address.id)).toBe(start + day)
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('rule 5: opens a mark by the token that it was left for, without an event', async () => {
    const made = fake({}, true)
    const loaded = await put(made, { a: 1 })
    await renewing(made, loaded, await newAddress(made))(async () => null)
    made.events.length = 0
    const found = await readEntry(made.context, loaded.address)
    expect(found).toMatchObject({ address: loaded.address, record: { kind: 'moved' } })
    expect(made.events).toEqual([])
  })

  it('rule 5: opens a mark, and no record, by the key that a mark names', async () => {
    const made = fake({}, true)
    const [loaded, target] = [await put(made, { a: 1 }), await put(made, { a: 1 })]
    const { namespace } = made.context
    const { id, token } = target.address
    const place = markAddressOf(id, await markKeyOf(namespace, token))
    made.events.length = 0
    expect(await readEntry(made.context, place)).toMatchObject({ address: place, record: null })
    await renewing(made, target, loaded.address)(async () => null)
    expect(await readEntry(made.context, place)).toMatchObject({
      record: { kind: 'moved', id: loaded.address.id },
    })
    expect(made.events).toEqual([])
  })

  it('rule 2: tells what is missing, what cannot be opened, and an outage apart', async () => {
    const made = fake({}, true)
    const address = await newAddress(made)
    expect(await readEntry(made.context, address)).toBe('missing')
    await made.store.create(address.id, Uint8Array.of(1), start + day)
    expect(((await readEntry(made.context, address)) as LoadedSession).record).toBeNull()
    expect(made.events.filter(({ type }) => type === 'record.unreadable')).toHaveLength(1)
    made.store.fail('load', refused)
    expect(await readEntry(made.context, address)).toBe('unavailable')
  })
})
