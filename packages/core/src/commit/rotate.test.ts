import { describe, expect, it } from 'vitest'
import {
  after,
  answered,
  change,
  end,
  fake,
  forwarding,
  listOf,
  lost,
  put,
  read,
  refused,
  second,
  setting,
  start,
  valuesOf,
  writeOf,
} from '../../test-d/fakes/context.ts'
import type { Fake, Fault } from '../../test-d/fakes/context.ts'
import type { LoadedSession } from '../load/read-record.ts'
import { sum } from '../rules/resolvers.ts'
import { isForward } from '../store/record.ts'
import { newOwner } from '../subjects/subjects.ts'
import type { Written } from './edit.ts'
import { forwardLife, rotate } from './rotate.ts'

const later = start + 10 * second

/** The session under its new token. */
async function rotated(made: Fake, { address }: Pick<Written, 'address'>): Promise<LoadedSession> {
  const found = address && (await read(made, address))
  if (!found) throw new Error('there is no session')
  return found
}

/** What is under an id, a forward not followed. */
function entryAt({ context, store }: Fake, { address }: LoadedSession): Promise<unknown> {
  return store.elsewhere(async () => {
    const found = await context.records.load(address)
    return typeof found === 'string' ? found : found.record
  })
}

/** How many records are in the store, forwards left out, by the ids that were ever used. */
async function countSessions({ context, store }: Fake): Promise<number> {
  const ids = new Set(store.log.map(([, id]) => id))
  let count = 0
  for (const id of ids) {
    const found = await store.elsewhere(() => context.records.load({ id, keyMaterial: '' }))
    if (typeof found !== 'string' && !isForward(found.record)) count++
  }
  return count
}

describe('rotate', () => {
  it('rule 5: adds the record under a new token, and leaves a forward, in two commands', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1, b: 1 }, { renewedAt: start })
    made.clock.now = later
    const written = await rotate(made.context, writeOf('rotate', loaded, { b: 2 }))
    expect(written).toMatchObject({ outcome: 'rotated', tries: 1, createdAt: start })
    expect(made.commands()).toEqual(['create', 'save'])
    expect(await entryAt(made, loaded)).toEqual({
      token: written.address?.token,
      until: later + 15 * second,
    })
    expect(made.store.expiries.get(loaded.address.id)).toBe(later + forwardLife)
    const { record } = await rotated(made, written)
    expect(valuesOf(record)).toEqual({ a: 1, b: 2 })
    expect(record).toMatchObject({ createdAt: start, renewedAt: start, rotatedAt: later })
    expect(record.root).toEqual(loaded.record.root)
  })

  it('T4: lets the old token lead to the session for 15 seconds, and no longer', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const { address } = await rotate(made.context, writeOf('rotate', loaded, {}))
    made.clock.now = start + forwardLife - 1
    expect((await read(made, loaded.address))?.address).toEqual(address)
    made.clock.now = start + forwardLife
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('S88: adds the write, so that it is known again', async () => {
    const made = fake({ testing: { random: sequence() } })
    const loaded = await put(made, {}, { writes: { count: 4, ids: [1] } })
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 1 }))
    const { writes } = (await rotated(made, written)).record
    expect(writes.count).toBe(5)
    expect(writes.ids).toHaveLength(2)
    expect(writes.ids[0]).toBe(1)
  })

  it('keeps the subject and its place in the list, which learns the new id', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const { owner } = loaded.record
    const written = await rotate(made.context, writeOf('rotate', loaded, {}))
    expect(made.commands()).toEqual(['create', 'save', 'load', 'save'])
    expect((await rotated(made, written)).record.owner).toEqual(owner)
    expect(await listOf(made, owner)).toMatchObject([[owner?.ref, { id: written.address?.id }]])
  })

  it('S9: is gone at the absolute end, and sends nothing', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, {})
    made.clock.now += 90 * second
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 1 }))
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual([])
  })

  it('is unavailable if no record could be added, and the old token goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('create', refused, refused)
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'unavailable', tries: 2 })
    expect(made.commands()).toEqual(['create', 'create'])
    expect(await entryAt(made, loaded)).toEqual(loaded.record)
  })
})

describe('a rotation that meets another request', () => {
  it('T5: of two the store lets one win, and the other saves what it has to save', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const [first, other] = await Promise.all([
      rotate(made.context, writeOf('rotate', loaded, { b: 1 })),
      rotate(made.context, writeOf('rotate', loaded, { c: 1 })),
    ])
    expect(first.outcome).toBe('rotated')
    expect(other).toMatchObject({ outcome: 'saved', address: { id: first.address?.id } })
    expect(other.createdAt).toBeUndefined()
    expect(valuesOf((await rotated(made, first)).record)).toEqual({ a: 1, b: 1, c: 1 })
    expect(await countSessions(made)).toBe(1)
  })

  it('T5: is unchanged if it had nothing to save, and withdraws its token', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', after(change(made, loaded, setting({ b: 1 }))))
    const written = await rotate(made.context, writeOf('rotate', loaded, {}))
    expect(written).toEqual({ outcome: 'unchanged', tries: 1 })
    expect(made.commands()).toEqual(['create', 'save', 'delete'])
    expect(await read(made, loaded.address)).toMatchObject({ address: loaded.address })
  })

  it('rule 4: merges its changes under the old token after a conflict', async () => {
    const made = fake({ merge: { visits: sum } as never })
    const loaded = await put(made, { visits: 1 })
    made.store.fail('save', after(change(made, loaded, setting({ visits: 11 }))))
    const written = await rotate(made.context, writeOf('rotate', loaded, { visits: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', address: loaded.address })
    expect(valuesOf((await rotated(made, written)).record)).toEqual({ visits: 12 })
    expect(await countSessions(made)).toBe(1)
  })

  it('S10: is gone if the session was signed out of, and leaves nothing', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', after(end(made, loaded)))
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(made.store.log.map(([command]) => command)).toEqual(['create', 'save', 'delete'])
    expect(await countSessions(made)).toBe(0)
  })
})

describe('a rotation whose answer is lost', () => {
  it('is done if the forward is in place', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', lost)
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'rotated', tries: 1, createdAt: start })
    expect(made.commands()).toEqual(['create', 'save', 'load'])
    expect(valuesOf((await rotated(made, written)).record)).toEqual({ a: 2 })
  })

  it('tells the list the new id when it finds the forward', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    made.store.fail('save', lost)
    const written = await rotate(made.context, writeOf('rotate', loaded, {}))
    expect(await listOf(made, loaded.record.owner)).toMatchObject([
      [loaded.record.owner?.ref, { id: written.address?.id }],
    ])
  })

  it('writes the old record once more if it is not, so that it can come no more', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    let arrive: () => Promise<unknown> = async () => null
    made.store.fail('save', async (run) => {
      arrive = run
      throw new Error('timed out')
    })
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', address: loaded.address })
    expect(made.store.log.map(([command]) => command)).toEqual([
      'create',
      'save',
      'load',
      'save',
      'delete',
    ])
    expect(await arrive()).toBe('conflict')
    expect(valuesOf((await rotated(made, written)).record)).toEqual({ a: 2 })
    expect(await countSessions(made)).toBe(1)
  })

  it('is unchanged if it had nothing to save, once the forward can come no more', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', refused)
    const written = await rotate(made.context, writeOf('rotate', loaded, {}))
    expect(written).toMatchObject({ outcome: 'unchanged', address: loaded.address })
    expect(await countSessions(made)).toBe(1)
  })

  it('is done if the forward arrives between the look and the second write', async () => {
    const made = fake({ merge: { visits: sum } as never })
    const loaded = await put(made, { visits: 1 }, { owner: await newOwner(made.context, 'zoë') })
    let arrive: () => Promise<unknown> = async () => null
    made.store.fail(
      'save',
      async (run) => {
        arrive = run
        throw new Error('timed out')
      },
      after(() => arrive()),
    )
    const written = await rotate(made.context, writeOf('rotate', loaded, { visits: 2 }))
    expect(written).toMatchObject({ outcome: 'rotated', createdAt: start })
    expect(valuesOf((await rotated(made, written)).record)).toEqual({ visits: 2 })
    expect(await listOf(made, loaded.record.owner)).toMatchObject([
      [loaded.record.owner?.ref, { id: written.address?.id }],
    ])
    expect((await read(made, loaded.address))?.address.id).toBe(written.address?.id)
  })

  it('of two forwards, of which another won: the changes go to the session of the token that won', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const winner = await put(made, { a: 1, won: true })
    made.store.fail('save', async () => {
      await change(made, loaded, forwarding(winner.address.token))()
      throw new Error('timed out')
    })
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'saved', address: { id: winner.address.id } })
    expect(valuesOf((await rotated(made, winner)).record)).toEqual({ a: 2, won: true })
  })

  it.each<[string, (made: Fake, loaded: LoadedSession) => Fault[], Fault[]]>([
    ['the store cannot be asked', () => [refused], [refused]],
    ['the second write is refused to the end', () => [refused, ...forever(refused)], []],
    ['the session has ended since', (made, loaded) => [refused, after(end(made, loaded))], []],
  ])('rule 3: is unavailable if %s', async (_name, saves, loads) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', ...saves(made, loaded))
    made.store.fail('load', ...loads)
    const { outcome } = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(outcome).toBe('unavailable')
  })

  it('T2: withdraws nothing while the forward may still be in place', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', lost)
    made.store.fail('load', refused)
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands()).toEqual(['create', 'save', 'load'])
    expect(valuesOf((await rotated(made, loaded)).record)).toEqual({ a: 2 })
  })

  it('T2: is unavailable with nothing to save, too, and withdraws nothing', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', refused, ...forever(refused))
    const { outcome } = await rotate(made.context, writeOf('rotate', loaded, {}))
    expect(outcome).toBe('unavailable')
    expect(made.store.log.some(([command]) => command === 'delete')).toBe(false)
    expect(await countSessions(made)).toBe(2)
  })

  it('is unavailable if what is under the old id cannot be read', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', refused)
    made.store.fail('load', answered({ bytes: Uint8Array.of(1), version: 1 }))
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
  })

  it('S10: brings no session back that was signed out of before it was looked for', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', refused)
    made.store.fail('load', after(end(made, loaded)))
    const written = await rotate(made.context, writeOf('rotate', loaded, { a: 2 }))
    expect(written.outcome).toBe('unavailable')
    expect(written.createdAt).toBeUndefined()
    expect(made.commands()).toEqual(['create', 'save', 'load', 'save'])
    expect(await entryAt(made, loaded)).toBe('missing')
  })
})

function forever(fault: Fault): Fault[] {
  return Array.from({ length: 16 }, () => fault)
}

/** Random bytes that differ from call to call, for a test that may be run again. */
function sequence(): (bytes: Uint8Array) => Uint8Array {
  let calls = 0
  return (bytes) => bytes.fill(++calls)
}
