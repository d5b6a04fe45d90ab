import { describe, expect, it } from 'vitest'
import {
  after,
  answered,
  change,
  countSessions,
  end,
  entryAt,
  fake,
  forwarding,
  listOf,
  lost,
  newAddress,
  passed,
  putList,
  put,
  read,
  refused,
  renewing,
  second,
  setting,
  start,
  valuesOf,
  writeOf,
} from '../../test/fakes/context.ts'
import type { Command, Fake, Fault } from '../../test/fakes/context.ts'
import type { StandardSchema } from '../data/schema.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { followForwards } from '../load/follow-forwards.ts'
import { backoffTime, holdsInOutage } from '../rules/retry-limits.ts'
import { sum } from '../rules/resolvers.ts'
import { listAddressOf } from '../subjects/list-record.ts'
import { delist, enlist, newOwner } from '../subjects/operations.ts'
import type { Owner } from '../store/record.ts'
import type { CommitContext } from './context.ts'
import { destroy } from './destroy.ts'
import type { Edit, Write, Written } from './edit.ts'
import { forwardLife, markLife } from './leave-under-old-id.ts'
import { moveAll } from './move.ts'

const root = new Uint8Array(16).fill(8)
const later = start + 10 * second

type Values = Record<string, unknown>

const renewal = (
  loaded: LoadedSession,
  changes: Values = {},
  more: Partial<Edit> = {},
): Write & { step: 'renew' } => ({
  ...writeOf('renew', loaded, changes, { isRenewed: true, root, ...more }),
  step: 'renew',
})

const signingIn = (
  loaded: LoadedSession,
  changes: Values = {},
  subject: string | null = 'zoë',
  label: string | null = null,
): Write => ({
  ...renewal(loaded, changes, { restart: true, signIn: { subject, label } }),
  step: 'sign-in',
})

const rotation = (loaded: LoadedSession, changes: Values = {}, more: Partial<Edit> = {}): Write =>
  writeOf('rotate', loaded, changes, more)

/** A rotation that nothing was asked of. */
const idleRotation = (loaded: LoadedSession): Write => rotation(loaded, {}, { isAsked: false })

/** One move, with no other write beside it. */
async function move(context: CommitContext, write: Write): Promise<Written> {
  const [result] = await moveAll(context, [write], write)
  if (result === undefined || 'error' in result) throw result?.error
  return result.result
}

/** The session that a move leads to. */
async function moved(made: Fake, { address }: Written): Promise<LoadedSession> {
  const found = address && (await read(made, address))
  if (!found) throw new Error('there is no session')
  return found
}

const changed = (made: Fake, loaded: LoadedSession, values: Values): Fault =>
  after(change(made, loaded, setting(values)))

const forever = (fault: Fault, length = 40): Fault[] => Array.from({ length }, () => fault)

/** A context whose waits take their time on the clock, neither the least nor the most. */
function waiting(made: Fake): CommitContext {
  const backOff = async (tries: number): Promise<void> =>
    void (made.clock.now += backoffTime(0.5, tries))
  return { ...made.context, backOff }
}

describe('a renewal', () => {
  it('rule 6: adds the new record and leaves a mark under the old id, in two commands', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.clock.now = later
    const written = await move(made.context, renewal(loaded, { b: 2 }))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 1, createdAt: start })
    expect(made.commands()).toEqual(['create', 'save'])
    expect(await read(made, loaded.address)).toBeNull()
    expect(written.address?.id).not.toBe(loaded.address.id)
    const { record } = await moved(made, written)
    expect(valuesOf(record)).toEqual({ a: 1, b: 2 })
    expect(record).toMatchObject({
      createdAt: start,
      renewedAt: later,
      rotatedAt: later,
      root,
      movingUntil: 0,
      isTokenUnused: false,
    })
  })

  it('rule 4: leaves a mark for 60 seconds that names the new record, and no token', async () => {
    for (const isSealed of [false, true]) {
      const made = fake({}, isSealed)
      const loaded = await put(made, { a: 1 })
      made.clock.now = later
      const { address } = await move(made.context, renewal(loaded))
      const mark = await entryAt(made, loaded)
      expect(mark).toMatchObject({ kind: 'moved', id: address?.id, until: later + markLife })
      expect(markLife).toBe(60_000)
      expect(JSON.stringify(mark)).not.toContain(address?.token)
      expect(made.store.expiries.get(loaded.address.id)).toBe(later + markLife)
    }
  })

  it('S9: begins the absolute lifetime anew only if it was asked for', async () => {
    const made = fake()
    made.clock.now = later
    for (const restart of [false, true]) {
      const loaded = await put(made, {})
      const written = await move(made.context, renewal(loaded, {}, { restart }))
      expect(written.createdAt).toBe(restart ? later : start)
      expect((await moved(made, written)).record.createdAt).toBe(restart ? later : start)
    }
  })

  it('S9: is gone at the absolute end, and sends nothing', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, {})
    made.clock.now += 90 * second
    const written = await move(made.context, renewal(loaded, {}, { restart: true }))
    expect(written).toEqual({ outcome: 'gone', tries: 1 })
    expect(made.commands()).toEqual([])
  })

  it('keeps the subject and its place in the list, which learns when it was renewed', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    made.clock.now = later
    const written = await move(made.context, renewal(loaded, {}, { restart: true }))
    expect(made.commands()).toEqual(['create', 'save', 'load', 'save'])
    const { owner } = (await moved(made, written)).record
    expect(owner).toEqual(loaded.record.owner)
    expect(await listOf(made, owner)).toEqual([
      [owner?.ref, { createdAt: later, renewedAt: later, seenAt: later, label: null }],
    ])
    expect(await entryAt(made, loaded)).toMatchObject({ owner })
  })

  it('S12: does not bring a session back into a list that it was taken out of meanwhile', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const { owner } = loaded.record
    if (owner === null) throw new Error('there is no owner')
    made.store.fail(
      'create',
      after(() =>
        made.store.elsewhere(async () => {
          const found = await made.context.lists.load(listAddressOf(owner))
          if (typeof found === 'string') throw new Error('there is no list')
          const { address, version } = found
          await made.context.lists.save(address, new Map(), later, version)
        }),
      ),
    )
    await move(made.context, renewal(loaded))
    expect(await listOf(made, owner)).toEqual([])
  })

  it('does not fail by a list that cannot be reached', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    made.store.fail('load', refused)
    expect(await move(made.context, renewal(loaded))).toMatchObject({ outcome: 'renewed' })
  })
})

describe('a sign-in', () => {
  it('rule 6: is four commands: the list read and written, the record added, the mark left', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.clock.now = later
    const written = await move(made.context, signingIn(loaded, { b: 1 }, 'zoë', 'Firefox'))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 1, createdAt: later })
    expect(made.commands()).toEqual(['load', 'create', 'create', 'save'])
    const { record } = await moved(made, written)
    expect(record).toMatchObject({ createdAt: later, renewedAt: later, root })
    expect(valuesOf(record)).toEqual({ a: 1, b: 1 })
    expect(await listOf(made, record.owner)).toEqual([
      [record.owner?.ref, { createdAt: later, renewedAt: later, seenAt: later, label: 'Firefox' }],
    ])
    expect(await entryAt(made, loaded)).toMatchObject({ kind: 'moved', owner: record.owner })
  })

  it('takes the session out of the list of the subject that it had', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    const written = await move(made.context, signingIn(loaded, {}, 'ann'))
    const commands = ['load', 'create', 'load', 'create', 'save', 'load', 'save']
    expect(made.commands()).toEqual(commands)
    expect((await moved(made, written)).record.owner?.subject).toBe('ann')
    expect(await listOf(made, owner)).toEqual([])
  })

  it('B6: as the same subject again has a new place in the list, and the old one is free', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    const written = await move(made.context, signingIn(loaded))
    const { record } = await moved(made, written)
    expect(record.owner?.ref).not.toBe(owner.ref)
    expect((await listOf(made, owner)).map(([ref]) => ref)).toEqual([record.owner?.ref])
  })

  it('rule 3: is unavailable if its list cannot be reached, and the old session goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('load', refused)
    expect(await move(made.context, signingIn(loaded))).toEqual({
      outcome: 'unavailable',
      tries: 1,
    })
    expect(made.commands()).toEqual(['load'])
    expect(await read(made, loaded.address)).not.toBeNull()
  })

  it('is a conflict if its list cannot be changed for all that it tries, and the old one goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('create', ...forever(answered(false), 16))
    expect(await move(made.context, signingIn(loaded))).toEqual({ outcome: 'conflict', tries: 1 })
    expect(await read(made, loaded.address)).not.toBeNull()
  })
})

describe('a sign-in without a subject', () => {
  const inList = { createdAt: start, renewedAt: null, seenAt: start, label: null }

  async function listed(made: Fake): Promise<{ owner: Owner; loaded: LoadedSession }> {
    const owner = await newOwner(made.context, 'zoë')
    await enlist(made.context, owner, inList)
    return { owner, loaded: await put(made, { a: 1 }, { owner, isPersistent: true }) }
  }

  it('has a new token and the merged data, and needs no list', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', changed(made, loaded, { theirs: 1 }))
    made.clock.now = later
    const written = await move(made.context, signingIn(loaded, { b: 1 }, null))
    expect(written).toMatchObject({ outcome: 'renewed', createdAt: later, owner: null })
    const { record } = await moved(made, written)
    expect(record).toMatchObject({ createdAt: later, renewedAt: later, owner: null })
    expect(valuesOf(record)).toEqual({ a: 1, b: 1, theirs: 1 })
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('leaves the list of its former subject, which its mark does not name', async () => {
    const made = fake()
    const { owner, loaded } = await listed(made)
    const written = await move(made.context, signingIn(loaded, { b: 1 }, null))
    const { record } = await moved(made, written)
    expect(record.owner).toBeNull()
    expect(record.isPersistent).toBeUndefined()
    expect(valuesOf(record)).toEqual({ a: 1, b: 1 })
    expect(await listOf(made, owner)).toEqual([])
    expect(await entryAt(made, loaded)).toMatchObject({ kind: 'moved', owner: null })
  })

  it('begins a new one with its changes alone, if the session was revoked meanwhile', async () => {
    const made = fake()
    const { owner, loaded } = await listed(made)
    await delist(made.context, owner)
    const written = await move(made.context, signingIn(loaded, { b: 1 }, null))
    expect(written).toMatchObject({ outcome: 'created', owner: null })
    expect(valuesOf((await moved(made, written)).record)).toEqual({ b: 1 })
  })

  it('goes on as the same subject, that has just ended all of its sessions', async () => {
    const made = fake()
    const { owner, loaded } = await listed(made)
    await delist(made.context, owner)
    const written = await move(made.context, signingIn(loaded, { b: 1 }))
    expect(written).toMatchObject({ outcome: 'renewed' })
    expect(valuesOf((await moved(made, written)).record)).toEqual({ a: 1, b: 1 })
  })

  it('begins a new one with its changes alone, if the session has ended', async () => {
    const made = fake()
    const { loaded } = await listed(made)
    made.store.fail('save', after(end(made, loaded)))
    const written = await move(made.context, signingIn(loaded, { b: 1 }, null))
    expect(written).toMatchObject({ outcome: 'created', owner: null })
    expect(valuesOf((await moved(made, written)).record)).toEqual({ b: 1 })
  })

  it('begins a new one with what it held, if another one without a subject was first', async () => {
    const made = fake()
    const { owner, loaded } = await listed(made)
    const first = await move(made.context, signingIn(loaded, { b: 1 }, null))
    expect(first).toMatchObject({ outcome: 'renewed' })
    const written = await move(made.context, signingIn(loaded, { c: 1 }, null))
    expect(written).toMatchObject({ outcome: 'created' })
    expect(valuesOf((await moved(made, written)).record)).toEqual({ a: 1, c: 1 })
    expect(await listOf(made, owner)).toEqual([])
  })

  it('leaves the list to a renewal that was first', async () => {
    const made = fake()
    const { owner, loaded } = await listed(made)
    const other = await put(made, { a: 1 }, { owner })
    made.store.fail('save', renewing(made, loaded, other.address))
    const written = await move(made.context, signingIn(loaded, { b: 1 }, null))
    expect(written).toMatchObject({ outcome: 'created' })
    expect((await listOf(made, owner)).map(([ref]) => ref)).toEqual([owner.ref])
  })

  it('is unavailable, if the list cannot be reached: the session may be revoked', async () => {
    const made = fake()
    const { loaded, owner } = await listed(made)
    made.store.fail('load', refused)
    const written = await move(made.context, signingIn(loaded, { b: 1 }, null))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(await read(made, loaded.address)).not.toBeNull()
    expect((await listOf(made, owner)).map(([ref]) => ref)).toEqual([owner.ref])
    expect(made.store.expiries.size).toBe(2)
  })

  it('ends with a sign-out under the old token', async () => {
    const made = fake()
    const { loaded } = await listed(made)
    const written = await move(made.context, signingIn(loaded, {}, null))
    const ended = await destroy(made.context, loaded.address, loaded)
    expect(ended).toMatchObject({ outcome: 'destroyed' })
    expect(await read(made, written.address!)).toBeNull()
    expect(await countSessions(made)).toBe(0)
  })
})

describe('a sign-in whose session is not there any more', () => {
  const endings: [string, (made: Fake, loaded: LoadedSession) => void][] = [
    [
      'signed out of before the mark',
      (made, loaded) => made.store.fail('save', after(end(made, loaded))),
    ],
    [
      'signed out of after a conflict',
      (made, loaded) => {
        made.store.fail('save', changed(made, loaded, { theirs: 1 }))
        made.store.fail('load', passed, after(end(made, loaded)))
      },
    ],
    [
      'over at its absolute end',
      (made) => {
        made.store.fail('save', answered('conflict'))
        made.store.fail(
          'load',
          passed,
          after(() => (made.clock.now += second)),
        )
      },
    ],
  ]

  it.each(endings)(
    'rule 5: begins a new one with its changes alone: %s',
    async (_name, arrange) => {
      const made = fake({ lifetime: { absolute: 90 } })
      const loaded = await put(made, { secret: 1, a: 1 })
      made.clock.now = start + 89 * second
      arrange(made, loaded)
      const written = await move(made.context, signingIn(loaded, { a: 2, b: 2 }))
      expect(written).toMatchObject({ outcome: 'created', createdAt: start + 89 * second })
      const { record } = await moved(made, written)
      expect(valuesOf(record)).toEqual({ a: 2, b: 2 })
      expect(record.owner?.subject).toBe('zoë')
      expect(await listOf(made, record.owner)).toHaveLength(1)
    },
  )

  it('S2: makes room in the list for a session of its own, beside the one that another request has moved', async () => {
    const made = fake({ sessionsPerSubject: 1 })
    const owner = await newOwner(made.context, 'zoë')
    const loaded = await put(made, {}, { owner })
    await putList(made, owner, {})
    const other = await put(made, {}, { owner })
    made.store.fail('save', passed, renewing(made, loaded, other.address))
    const written = await move(made.context, signingIn(loaded))
    expect(written).toMatchObject({ outcome: 'created' })
    const { record } = await moved(made, written)
    expect((await listOf(made, owner)).map(([ref]) => ref)).toEqual([record.owner?.ref])
  })

  it('S2: ends no other session for one that has ended, or that another sign-in has replaced', async () => {
    for (const isReplaced of [false, true]) {
      const made = fake({ sessionsPerSubject: isReplaced ? 3 : 2 })
      const names = ['oldest', 'former', 'newest']
      const all = await Promise.all(names.map(() => newOwner(made.context, 'zoë')))
      const [oldest, former, newest] = all as [Owner, Owner, Owner]
      await putList(made, oldest, {})
      const loaded = await put(made, {}, { owner: former })
      const other = await put(made, {}, { owner: newest })
      const listed = { createdAt: later, renewedAt: null, seenAt: later, label: null }
      await enlist(made.context, former, listed)
      if (isReplaced) await enlist(made.context, newest, listed, former)
      const mark = { ...loaded, record: { ...loaded.record, owner: newest } }
      const meanwhile = isReplaced ? renewing(made, mark, other.address) : after(end(made, loaded))
      made.store.fail('save', passed, meanwhile)
      const written = await move(made.context, signingIn(loaded))
      expect(written).toMatchObject({ outcome: 'created' })
      const { record } = await moved(made, written)
      const refs = (await listOf(made, oldest)).map(([ref]) => ref)
      expect(refs).toContain(oldest.ref)
      expect(refs).toContain(record.owner?.ref)
      expect(refs).toHaveLength(isReplaced ? 3 : 2)
    }
  })

  it('rule 5: begins a new one with what it held, if another request has moved the session', async () => {
    for (const isSealed of [false, true]) {
      const made = fake({}, isSealed)
      const loaded = await put(made, { cart: ['hat'], a: 1 })
      const other = await put(made, { cart: ['hat'], theirs: 1 })
      made.store.fail('save', renewing(made, loaded, other.address))
      const written = await move(made.context, signingIn(loaded, { a: 2 }))
      expect(written).toMatchObject({ outcome: 'created', createdAt: start })
      const { record } = await moved(made, written)
      expect(valuesOf(record)).toEqual({ cart: ['hat'], a: 2 })
      expect(await listOf(made, record.owner)).toHaveLength(1)
      expect(valuesOf((await read(made, other.address))!.record)).toMatchObject({ theirs: 1 })
    }
  })

  it('rule 5: begins a new one with its changes alone, if it was moved and then signed out of', async () => {
    for (const isSealed of [false, true]) {
      for (const moves of [1, 2]) {
        const made = fake({}, isSealed)
        const loaded = await put(made, { cart: ['secret'] })
        let at = loaded
        made.store.fail('save', async (run) => {
          for (let n = 0; n < moves; n++) {
            const next = await put(made, { cart: ['secret'] })
            await renewing(made, at, next.address)(async () => null)
            at = next
          }
          await end(made, at)()
          return run()
        })
        const written = await move(made.context, signingIn(loaded, { form: 'sent' }))
        expect(written).toMatchObject({ outcome: 'created' })
        expect(valuesOf((await moved(made, written)).record)).toEqual({ form: 'sent' })
      }
    }
  })

  it('begins none if it has taken a value that the moved session may have, and leaves nothing', async () => {
    const made = fake()
    const loaded = await put(made, { flash: 1, a: 1 })
    const target = await put(made, { flash: 1 })
    made.store.fail('save', renewing(made, loaded, target.address))
    const { edit, ...signIn } = signingIn(loaded, { flash: undefined })
    const mover = { ...signIn, edit: { ...edit, taken: new Set(['flash']) } }
    const ends = await moveAll(made.context, [writeOf('save', loaded, { c: 1 }), mover], mover)
    expect(ends).toEqual([
      { result: { outcome: 'moved', tries: 1 } },
      { result: { outcome: 'taken', tries: 1 } },
    ])
    // The other request's.
    expect(await countSessions(made)).toBe(1)
    const { listId } = await newOwner(made.context, 'zoë')
    expect(await listOf(made, { subject: 'zoë', listId, ref: '' })).toEqual([])
    expect(valuesOf((await read(made, target.address))!.record)).toEqual({ flash: 1 })
  })

  it('says what became of the saves beside it', async () => {
    for (const [isMoved, outcome] of [
      [true, 'moved'],
      [false, 'gone'],
    ] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const { address: target } = await put(made, { theirs: 1 })
      made.store.fail('save', isMoved ? renewing(made, loaded, target) : after(end(made, loaded)))
      const mover = signingIn(loaded, { b: 1 })
      const ends = await moveAll(made.context, [writeOf('save', loaded, { c: 1 }), mover], mover)
      expect(ends).toMatchObject([{ result: { outcome } }, { result: { outcome: 'created' } }])
      const { address } = (ends[1] as { result: Written }).result
      const values = valuesOf(
        (await moved(made, { outcome: 'created', tries: 1, address: address! })).record,
      )
      expect(values).toEqual(isMoved ? { a: 1, b: 1 } : { b: 1 })
    }
  })

  it('rule 5: has its own error if its changes alone cannot be stored, leaves nothing, and fails no save beside it', async () => {
    const made = fake({
      merge: {
        tags: ({ ours, theirs }: { ours?: unknown; theirs?: unknown }) => [
          ...(theirs as string[]),
          ...(ours as string[]),
        ],
      },
    })
    const loaded = await put(made, { tags: ['x'] })
    made.store.fail('save', after(end(made, loaded)))
    const mover = signingIn(loaded, { tags: ['x', 'y'] })
    const ends = await moveAll(made.context, [writeOf('save', loaded, { c: 1 }), mover], mover)
    const error = expect.objectContaining({ code: 'merge-failed' }) as unknown
    expect(ends).toEqual([{ result: { outcome: 'gone', tries: 1 } }, { error }])
    expect(await countSessions(made)).toBe(0)
    expect(await listOf(made, await newOwner(made.context, 'zoë'))).toEqual([])
  })

  it('rule 3: is unavailable if what it claimed cannot be reached again', async () => {
    const made = fake()
    const loaded = await put(made, { secret: 1 })
    made.store.fail('save', after(end(made, loaded)))
    made.store.fail('load', passed, refused, refused)
    const written = await move(made.context, signingIn(loaded, { a: 2 }))
    expect(written).toMatchObject({ outcome: 'unavailable' })
    expect(written.createdAt).toBeUndefined()
  })
})

describe('a rotation', () => {
  it('rule 4: holds the record, adds it under a new token and leaves a forward, in four commands', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1, b: 1 }, { renewedAt: start })
    made.clock.now = later
    const written = await move(made.context, rotation(loaded, { b: 2 }))
    expect(written).toMatchObject({ outcome: 'rotated', tries: 1, createdAt: start })
    expect(made.commands()).toEqual(['save', 'load', 'create', 'save'])
    expect(await entryAt(made, loaded)).toEqual({
      kind: 'forward',
      token: written.address?.token,
      until: later + 15 * second,
    })
    expect(made.store.expiries.get(loaded.address.id)).toBe(later + forwardLife)
    const { record } = await moved(made, written)
    expect(valuesOf(record)).toEqual({ a: 1, b: 2 })
    expect(record).toMatchObject({ createdAt: start, renewedAt: start, rotatedAt: later })
    expect(record).toMatchObject({ movingUntil: 0, isTokenUnused: true })
    expect(record.root).toEqual(loaded.record.root)
  })

  it('T4: lets the old token lead to the session for 15 seconds, and no longer', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const { address } = await move(made.context, rotation(loaded))
    made.clock.now = start + forwardLife - 1
    expect((await read(made, loaded.address))?.address).toEqual(address)
    made.clock.now = start + forwardLife
    expect(await read(made, loaded.address)).toBeNull()
  })

  it('E3: keeps the subject and its place in the list, which need not be told', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const before = await listOf(made, loaded.record.owner)
    const written = await move(made.context, rotation(loaded))
    expect(made.commands()).toEqual(['save', 'load', 'create', 'save'])
    expect((await moved(made, written)).record.owner).toEqual(loaded.record.owner)
    expect(await listOf(made, loaded.record.owner)).toEqual(before)
  })

  it('S9: is gone at the absolute end, and adds nothing', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, {})
    made.clock.now += 90 * second
    expect(await move(made.context, rotation(loaded, { a: 1 }))).toMatchObject({ outcome: 'gone' })
    expect(made.commands()).not.toContain('create')
  })

  it('gives the new token to every rotation of its batch, and a save beside them none', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const [mover, idle] = [rotation(loaded, { b: 1 }), idleRotation(loaded)]
    const ends = await moveAll(
      made.context,
      [writeOf('save', loaded, { c: 1 }), mover, idle],
      mover,
    )
    const [save, first, other] = ends.map((each) => (each as { result: Written }).result)
    expect([save?.outcome, first?.outcome, other?.outcome]).toEqual(['saved', 'rotated', 'rotated'])
    expect(other?.address).toEqual(first?.address)
    expect([first?.createdAt, other?.createdAt]).toEqual([start, start])
    expect(valuesOf((await moved(made, first as Written)).record)).toEqual({ a: 1, b: 1, c: 1 })
    expect(made.commands()).toEqual(['save', 'load', 'create', 'save'])
  })
})

describe('several rotations of one token', () => {
  it('B7: the one that holds the record rotates, the other saves under the new token', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const context = waiting(made)
    const [first, other] = await Promise.all([
      move(context, rotation(loaded, { b: 1 })),
      move(context, rotation(loaded, { c: 1 })),
    ])
    expect(first.outcome).toBe('rotated')
    expect(other).toMatchObject({ outcome: 'saved', address: { id: first.address?.id } })
    expect(other.createdAt).toBeUndefined()
    expect(valuesOf((await moved(made, first)).record)).toEqual({ a: 1, b: 1, c: 1 })
    expect(made.commands().filter((command) => command === 'create')).toHaveLength(1)
  })

  it('B7: the other is unchanged if it had nothing to save, and makes no record', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 400 })
    expect(await move(made.context, idleRotation(loaded))).toEqual({
      outcome: 'unchanged',
      tries: 1,
    })
    expect(made.commands()).toEqual([])
  })

  it('B7: a rotation that is due happens though saves come between, and makes one record', async () => {
    for (let saves = 1; saves <= 8; saves++) {
      const made = fake({ merge: { visits: sum } as never })
      const loaded = await put(made, { visits: 1 })
      made.store.fail(
        'save',
        ...Array.from({ length: saves }, (_, n) => changed(made, loaded, { visits: 11 + n })),
      )
      const written = await move(made.context, rotation(loaded, { visits: 2 }))
      expect([saves, written.outcome]).toEqual([saves, 'rotated'])
      expect(made.commands().filter((command) => command === 'create')).toHaveLength(1)
      expect(valuesOf((await moved(made, written)).record)).toEqual({ visits: 11 + saves })
    }
  })

  it('waits for no hold that is further ahead than a move can take', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 501 })
    expect(await move(made.context, rotation(loaded))).toMatchObject({ outcome: 'rotated' })
  })

  it('S32: gives up holding after 16 tries, and saves what it has to save', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', ...forever(answered('conflict'), 17))
    const { outcome, createdAt } = await move(made.context, rotation(loaded, { a: 2 }))
    expect([outcome, createdAt]).toEqual(['saved', undefined])
    expect(await countSessions(made)).toBe(1)
  })
})

describe('a move that meets another request', () => {
  it('rule 4: merges what was saved in between, under the same new token', async () => {
    const made = fake({ merge: { visits: sum } as never })
    const loaded = await put(made, { visits: 1, b: 1 })
    made.store.fail('save', changed(made, loaded, { visits: 11, c: 1 }))
    const written = await move(made.context, renewal(loaded, { visits: 2, b: 2 }))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 2 })
    expect(made.waits).toEqual([1])
    expect(made.store.log[0]?.[1]).toBe(written.address?.id)
    expect(await countSessions(made)).toBe(1)
    expect(made.commands()).toEqual([
      'create',
      'save', // the mark, refused
      'load',
      'save', // the hold
      'load',
      'load', // the new record
      'save',
      'save', // the mark
    ])
    expect(valuesOf((await moved(made, written)).record)).toEqual({ visits: 12, b: 2, c: 1 })
  })

  it('B9: holds the record after a conflict, so that it meets no second one', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', changed(made, loaded, { b: 1 }), passed, async (run) => {
      const entry = await entryAt(made, loaded)
      expect(entry).toMatchObject({ movingUntil: start + 500 })
      return run()
    })
    expect(await move(made.context, renewal(loaded))).toMatchObject({ outcome: 'renewed' })
  })

  it('S10: a renewal is gone if the session was signed out of, and leaves nothing', async () => {
    for (const faults of [
      [(made: Fake, loaded: LoadedSession) => after(end(made, loaded))],
      [
        (made: Fake, loaded: LoadedSession) => changed(made, loaded, { b: 1 }),
        (made: Fake, loaded: LoadedSession) => after(end(made, loaded)),
      ],
    ]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      made.store.fail('save', ...faults.map((fault) => fault(made, loaded)))
      const written = await move(made.context, renewal(loaded))
      expect(written.outcome).toBe('gone')
      expect(await countSessions(made)).toBe(0)
    }
  })

  it('S10: a rotation is gone if the session was signed out of, and leaves nothing', async () => {
    for (const at of [0, 1]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      made.store.fail('save', ...forever(passed, at), after(end(made, loaded)))
      expect(await move(made.context, rotation(loaded, { a: 2 }))).toMatchObject({
        outcome: 'gone',
      })
      expect(await countSessions(made)).toBe(0)
      expect(await entryAt(made, loaded)).toBe('missing')
    }
  })

  it('S9: is gone if the absolute end comes between two tries', async () => {
    const made = fake({ lifetime: { absolute: 90 } })
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', answered('conflict'))
    const context = {
      ...made.context,
      backOff: async () => void (made.clock.now += 90 * second),
    }
    expect(await move(context, renewal(loaded))).toEqual({ outcome: 'gone', tries: 2 })
  })

  it('rule 4: a renewal is moved if another request has renewed the session, and leaves nothing', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const other = await put(made, { theirs: 1 })
    made.store.fail('save', renewing(made, loaded, other.address))
    const written = await move(made.context, renewal(loaded, { a: 2 }))
    expect(written).toEqual({ outcome: 'moved', tries: 1 })
    expect(await countSessions(made)).toBe(0)
    expect(await entryAt(made, loaded)).toMatchObject({ kind: 'moved', id: other.address.id })
  })

  it('rule 4: a rotation is moved if another request has renewed the session', async () => {
    for (const [write, outcome] of [
      [(loaded: LoadedSession) => rotation(loaded, { a: 2 }), 'moved'],
      [idleRotation, 'unchanged'],
    ] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const other = await put(made, { theirs: 1 })
      made.store.fail('save', renewing(made, loaded, other.address))
      expect(await move(made.context, write(loaded))).toMatchObject({ outcome })
      expect(made.commands()).not.toContain('create')
    }
  })

  it('follows a forward, and renews the session under the token that it has now', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const rotated = await put(made, { a: 1, moved: true })
    made.store.fail('save', after(change(made, loaded, forwarding(rotated.address.token))))
    const written = await move(made.context, renewal(loaded, { b: 1 }))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 2 })
    expect(await entryAt(made, rotated)).toMatchObject({ kind: 'moved', id: written.address?.id })
    expect(valuesOf((await moved(made, written)).record)).toEqual({ a: 1, b: 1, moved: true })
  })

  it('a rotation that finds the token rotated saves under the new one', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const rotated = await put(made, { a: 1 })
    made.store.fail('save', after(change(made, loaded, forwarding(rotated.address.token))))
    const written = await move(made.context, rotation(loaded, { b: 1 }))
    expect(written).toMatchObject({ outcome: 'saved', address: { id: rotated.address.id } })
    expect(valuesOf((await read(made, rotated.address))!.record)).toEqual({ a: 1, b: 1 })
  })

  it('B7: takes its record back if another rotation came first, though the answer to its own forward was lost', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const rotated = await put(made, { a: 1 })
    const first = change(made, loaded, forwarding(rotated.address.token))
    const overtaken: Fault = async () => {
      await made.store.elsewhere(first)
      throw new Error('timeout')
    }
    made.store.fail('save', passed, overtaken)
    const written = await move(made.context, rotation(loaded, { b: 1 }))
    expect(written).toMatchObject({ outcome: 'saved', address: { id: rotated.address.id } })
    expect(await countSessions(made)).toBe(1)
  })

  it('S32: is a conflict after 16 tries, withdraws its record, and the old session goes on', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const isOld = (): boolean => made.store.log.at(-1)?.[1] === loaded.address.id
    const busy: Fault = (run) => (isOld() ? Promise.resolve('conflict') : run())
    made.store.fail('save', ...forever(busy, 400))
    const written = await move(made.context, renewal(loaded))
    expect(written).toEqual({ outcome: 'conflict', tries: 16 })
    expect(made.waits).toHaveLength(15)
    expect(await countSessions(made)).toBe(1)
    expect(await read(made, loaded.address)).not.toBeNull()
  })

  it('rule 4: leaves the record to another move that holds it, and pauses', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const save = change(made, loaded, setting({ b: 1 }))
    const hold = change(made, loaded, (record) => ({
      ...record,
      movingUntil: made.clock.now + 500,
    }))
    made.store.fail('save', after(save), after(hold))
    const moving = move(made.context, renewal(loaded))
    expect(await moving).toMatchObject({ outcome: 'renewed', tries: 2 })
    const saves = made.commands().filter((command) => command === 'save')
    // The mark, one hold, the new record again, and the mark.
    expect(saves).toHaveLength(4)
  })

  it('rule 4: never takes the record from another move that holds it: both would lose', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const hold = change(made, loaded, (record) => ({
      ...record,
      movingUntil: made.clock.now + 500,
    }))
    made.store.fail('save', after(hold))
    expect(await move(made.context, renewal(loaded))).toMatchObject({ outcome: 'renewed' })
    expect(made.commands()).toEqual([
      'create',
      'save', // the mark, refused
      'load',
      'load', // the new record
      'save',
      'save', // the mark
    ])
    expect(made.waits).toHaveLength(1)
  })

  it('B5: gives a held record another version if the answer to the mark was lost', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 400 })
    made.store.fail('save', refused)
    expect(await move(made.context, renewal(loaded))).toMatchObject({ outcome: 'renewed' })
    expect(made.commands().slice(0, 4)).toEqual(['create', 'save', 'load', 'save'])
  })

  it('rule 4: lets others go on at once if it fails while it holds the record', async () => {
    const busy = fake()
    const first = await put(busy, { a: 1 })
    const overtaken = after(
      change(busy, first, (record) => ({ ...setting({ b: 1 })(record), movingUntil: 0 })),
    )
    const again = [passed, overtaken, passed]
    busy.store.fail('save', overtaken, passed, ...Array.from({ length: 15 }, () => again).flat())
    const lost = await move(busy.context, renewal(first))
    expect(lost).toEqual({ outcome: 'conflict', tries: 16 })
    expect((await read(busy, first.address))!.record.movingUntil).toBe(0)
    const large = fake({ maxBytes: 2000 })
    const second = await put(large, {})
    large.store.fail('save', changed(large, second, { b: 'x'.repeat(1000) }))
    const renewing = move(large.context, renewal(second, { a: 'y'.repeat(1000) }))
    await expect(renewing).rejects.toMatchObject({ code: 'too-large' })
    expect((await read(large, second.address))!.record.movingUntil).toBe(0)
  })

  it('rule 4: also if the record under the new token cannot be written, and leaves nothing', async () => {
    for (const step of ['rotate', 'renew'] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      made.store.fail('create', ...(step === 'rotate' ? [refused, refused] : []))
      const faults = [changed(made, loaded, { b: 1 }), passed, refused, refused]
      made.store.fail('save', ...(step === 'rotate' ? [] : faults))
      const write = step === 'rotate' ? rotation(loaded) : renewal(loaded)
      expect(await move(made.context, write)).toMatchObject({ outcome: 'unavailable' })
      expect((await read(made, loaded.address))!.record.movingUntil).toBe(0)
      expect(await countSessions(made)).toBe(1)
    }
  })

  it('rule 4: also if none of the saves beside it can be replayed', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    made.store.fail('save', changed(made, loaded, { b: 'x'.repeat(1000) }))
    const mover = renewal(loaded, { a: 'y'.repeat(1000) })
    const beside = writeOf('save', loaded, { c: 'z'.repeat(1000) })
    const ends = await moveAll(made.context, [mover, beside], mover)
    expect(ends).toMatchObject([{ error: { code: 'too-large' } }, { error: { code: 'too-large' } }])
    expect((await read(made, loaded.address))!.record.movingUntil).toBe(0)
  })

  it('rule 4: holds the record against writers that never pause, without a pause of its own', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const busy = change(made, loaded, setting({ b: 1 }))
    made.store.fail('save', after(busy), after(busy), after(busy), after(busy))
    const written = await move(made.context, renewal(loaded))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 2 })
    expect(made.waits).toHaveLength(1)
  })

  it('S32: starts no further try when a second has passed since the first that failed', async () => {
    for (const [conflicts, outcome] of [
      [1, 'renewed'],
      [40, 'conflict'],
    ] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const slow: Fault = async () => {
        await made.runLoop(1000)
        return 'conflict'
      }
      made.store.fail('save', ...Array.from({ length: conflicts }, () => slow))
      expect((await move(made.context, renewal(loaded))).outcome).toBe(outcome)
    }
  })

  it('rule 6, G8: time in which the process was blocked does not count', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const blocked: Fault = async () => {
      made.clock.now += 5000
      await made.runLoop(50)
      return 'conflict'
    }
    made.store.fail('save', ...Array.from({ length: 12 }, () => blocked))
    expect((await move(made.context, renewal(loaded))).outcome).toBe('renewed')
  })

  it('rule 7: throws if the merged session is too large, with nothing left behind', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    made.store.fail('save', changed(made, loaded, { b: 'x'.repeat(1000) }))
    const renewing = move(made.context, renewal(loaded, { a: 'y'.repeat(1000) }))
    await expect(renewing).rejects.toMatchObject({ code: 'too-large' })
    expect(made.store.log.filter(([command]) => command === 'delete')).toHaveLength(1)
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ b: 'x'.repeat(1000) })
  })

  it('rule 7: saves what waits beside a move that cannot be replayed any more', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    made.store.fail('save', changed(made, loaded, { b: 'x'.repeat(1000) }))
    const mover = renewal(loaded, { a: 'y'.repeat(1000) })
    const ends = await moveAll(
      waiting(made),
      [writeOf('save', { ...loaded }, { c: 1 }), mover, writeOf('save', { ...loaded }, { d: 1 })],
      mover,
    )
    expect(ends).toMatchObject([
      { result: { outcome: 'saved' } },
      { error: { code: 'too-large' } },
      { result: { outcome: 'saved' } },
    ])
    expect(made.store.log.slice(-2).map(([command]) => command)).toEqual(['save', 'delete'])
    const values = valuesOf((await read(made, loaded.address))!.record)
    expect(values).toEqual({ b: 'x'.repeat(1000), c: 1, d: 1 })
  })

  it('rule 7: fails a save that cannot be replayed alone, and moves', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    const mover = renewal(loaded, { a: 1 })
    const tooLarge = writeOf('save', { ...loaded }, { b: 'x'.repeat(3000) })
    const ends = await moveAll(made.context, [mover, tooLarge], mover)
    expect(ends).toMatchObject([
      { result: { outcome: 'renewed' } },
      { error: { code: 'too-large' } },
    ])
  })
})

/** Refuses every `bad` key. */
const schema: StandardSchema<unknown, object> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      'bad' in (value as Values)
        ? { issues: [{ message: 'unknown', path: ['bad'] }] }
        : { value: value as Values },
  },
}

describe('a move of a token that was rotated meanwhile', () => {
  const endings: [string, string, (made: Fake, rotated: LoadedSession) => unknown][] = [
    ['signed out of', 'gone', (made, rotated) => end(made, rotated)()],
    [
      'renewed',
      'moved',
      async (made, rotated) =>
        renewing(made, rotated, await newAddress(made))(async () => Promise.resolve()),
    ],
    [
      'out of reach',
      'unavailable',
      (made) => made.store.fail('load', passed, passed, refused, passed),
    ],
    [
      'not to be opened',
      'unavailable',
      (made) => {
        const unreadable = answered({ bytes: Uint8Array.of(1), version: 1 })
        made.store.fail('load', passed, passed, unreadable)
      },
    ],
    [
      'refused by the schema',
      'unavailable',
      (made, rotated) => change(made, rotated, setting({ bad: 1 }))(),
    ],
  ]

  it.each(endings)('is, if the session was %s then, %s', async (_name, outcome, arrange) => {
    for (const make of [renewal, rotation]) {
      const made = fake({ schema })
      const loaded = await put(made, { a: 1 })
      const rotated = await put(made, { a: 1 })
      made.store.fail('save', after(change(made, loaded, forwarding(rotated.address.token))))
      await arrange(made, rotated)
      expect(await move(made.context, make(loaded, { b: 1 }))).toEqual({ outcome, tries: 1 })
      const deletes = made.commands().filter((command) => command === 'delete')
      expect(deletes).toHaveLength(make === renewal ? 1 : 0)
    }
  })

  it('S32: is a conflict, and withdraws, if the new record cannot be changed for all that it tries', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const rotated = await put(made, { a: 1, moved: true })
    const forwarded = after(change(made, loaded, forwarding(rotated.address.token)))
    made.store.fail('save', forwarded, ...forever(answered('conflict'), 16))
    const written = await move(made.context, renewal(loaded, { b: 1 }))
    expect(written).toEqual({ outcome: 'conflict', tries: 2 })
    expect(await countSessions(made)).toBe(1)
    expect(made.commands().filter((command) => command === 'save')).toHaveLength(17)
    expect(valuesOf((await read(made, rotated.address))!.record)).toEqual({ a: 1, moved: true })
  })
})

describe('how a move ends', () => {
  it.each([
    ['renewal', renewal, ['create', 'save', 'delete']],
    ['rotation', rotation, ['save', 'load']],
  ] as const)(
    'rule 6: a %s of a session that was signed out of asks no more',
    async (_name, make, commands) => {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      await end(made, loaded)()
      expect(await move(made.context, make(loaded))).toEqual({ outcome: 'gone', tries: 1 })
      expect(made.commands()).toEqual(commands)
    },
  )

  it('rule 6: a renewal of a session that was renewed asks no more than what is there', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    await renewing(made, loaded, await newAddress(made))(async () => Promise.resolve())
    expect(await move(made.context, renewal(loaded))).toEqual({ outcome: 'moved', tries: 1 })
    expect(made.commands()).toEqual(['create', 'save', 'load', 'delete'])
  })

  it('is unavailable if the schema refuses what was saved in between', async () => {
    for (const make of [renewal, signingIn, rotation]) {
      const made = fake({ schema })
      const loaded = await put(made, { a: 1 })
      made.store.fail('save', changed(made, loaded, { bad: 1 }))
      expect(await move(made.context, make(loaded))).toEqual({ outcome: 'unavailable', tries: 1 })
      expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ a: 1, bad: 1 })
      expect(await countSessions(made)).toBe(1)
      expect(await listOf(made, await newOwner(made.context, 'zoë'))).toEqual([])
    }
  })

  it('rule 4: withdraws nothing then if a mark may still arrive', async () => {
    const made = fake({ schema })
    const loaded = await put(made, { a: 1 })
    const change = changed(made, loaded, { bad: 1 })
    made.store.fail('save', (run) => change(run).then(() => refused(run)))
    expect(await move(made.context, renewal(loaded))).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands()).not.toContain('delete')
  })

  it('rule 3: a sign-in is unavailable if it cannot ask whether the moved session lives', async () => {
    const made = fake()
    const loaded = await put(made, { cart: ['hat'] })
    const other = await put(made, { theirs: 1 })
    made.store.fail('save', renewing(made, loaded, other.address))
    made.store.fail('load', passed, passed, passed, refused)
    const written = await move(made.context, signingIn(loaded))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
  })

  it('rule 3: leaves nothing if it cannot ask what has become of the session', async () => {
    for (const isMoved of [true, false]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const other = await put(made, { theirs: 1 })
      const meanwhile = isMoved
        ? renewing(made, loaded, other.address)
        : changed(made, loaded, { b: 1 })
      made.store.fail('save', meanwhile)
      made.store.fail('load', ...(isMoved ? [passed, passed, passed] : [passed]), refused)
      const { address } = loaded
      expect(await move(made.context, signingIn(loaded))).toMatchObject({ outcome: 'unavailable' })
      expect((await read(made, address)) === null).toBe(isMoved)
      const [claimed] = made.store.log.filter(([command]) => command === 'create').slice(-1)
      expect(await made.store.elsewhere(() => made.store.load(claimed![1]))).toBeNull()
      expect(await listOf(made, await newOwner(made.context, 'zoë'))).toEqual([])
    }
  })

  it('leaves nothing if the store refuses what it writes, and throws what the store has thrown', async () => {
    const fault = Object.assign(new Error('too large'), { code: 'too-large' })
    const tooLarge: Fault = () => Promise.reject(fault)
    for (const arrange of [
      (made: Fake) => made.store.fail('create', passed, tooLarge),
      (made: Fake) => made.store.fail('save', tooLarge),
      (made: Fake, loaded: LoadedSession) =>
        made.store.fail('save', changed(made, loaded, { b: 1 }), passed, tooLarge),
    ]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      arrange(made, loaded)
      await expect(move(made.context, signingIn(loaded))).rejects.toBe(fault)
      expect(await read(made, loaded.address)).not.toBeNull()
      expect(await countSessions(made)).toBeLessThanOrEqual(1)
      expect(await listOf(made, await newOwner(made.context, 'zoë'))).toEqual([])
    }
  })

  it('is done once the mark is there, whatever the store says of the list', async () => {
    const fault = Object.assign(new Error('wrong password'), { code: 'auth' })
    for (const make of [renewal, signingIn]) {
      const made = fake()
      const loaded = await put(made, { a: 1 }, { owner: await newOwner(made.context, 'ann') })
      const before = make === signingIn ? [passed, passed] : []
      made.store.fail('load', ...before, () => Promise.reject(fault))
      const written = await move(made.context, make(loaded))
      expect(written).toMatchObject({ outcome: 'renewed' })
      expect(await moved(made, written)).not.toBeNull()
    }
  })

  it('S32, rule 4: is unavailable after 16 tries, and withdraws nothing, if a mark may still arrive', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const isOld = (): boolean => made.store.log.at(-1)?.[1] === loaded.address.id
    const away: Fault = (run) => (isOld() ? refused(run) : run())
    made.store.fail('save', ...forever(away, 400))
    const written = await move(made.context, renewal(loaded))
    expect(written).toEqual({ outcome: 'unavailable', tries: 16 })
    expect(made.commands()).not.toContain('delete')
    expect(await read(made, loaded.address)).not.toBeNull()
  })

  it('S32: counts the time from the first try that failed', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const slow: Fault = async () => {
      await made.runLoop(1000)
      return 'conflict'
    }
    made.store.fail('save', ...forever(slow))
    expect(await move(made.context, renewal(loaded))).toEqual({ outcome: 'conflict', tries: 2 })
  })

  it('looks at the clock no more when it has ended', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    let looks = 0
    const waitIdly = async (milliseconds: number): Promise<void> => {
      looks++
      return made.context.waitIdly(milliseconds)
    }
    made.store.fail('save', changed(made, loaded, { b: 1 }))
    await move({ ...made.context, waitIdly }, renewal(loaded))
    await made.runLoop(500)
    expect(looks).toBe(1)
  })

  it('gives a rotation alone that cannot be replayed its error, and no other end', async () => {
    const made = fake({ maxBytes: 2000 })
    const loaded = await put(made, {})
    made.store.fail('save', changed(made, loaded, { b: 'x'.repeat(1000) }))
    const mover = rotation(loaded, { a: 'y'.repeat(1000) })
    const error = expect.objectContaining({ code: 'too-large' }) as unknown
    expect(await moveAll(made.context, [mover], mover)).toEqual([{ error }])
  })

  it('B7: saves what waits beside a rotation that has nothing to save', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { movingUntil: start + 400 })
    const mover = idleRotation(loaded)
    const beside = writeOf('save', loaded, { b: 1 })
    const ends = await moveAll(waiting(made), [mover, beside], mover)
    expect(ends).toMatchObject([
      { result: { outcome: 'unchanged' } },
      { result: { outcome: 'saved' } },
    ])
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ a: 1, b: 1 })
  })
})

describe('the list of a sign-in that meets a fault', () => {
  it('is told once, though the new record is lost and added again under another token', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    let claimed = ''
    const { listId } = await newOwner(made.context, 'zoë')
    made.store.fail('save', async () => {
      const created = made.store.log.filter(([command]) => command === 'create')
      claimed = created.at(-1)![1]
      await made.store.elsewhere(() => made.store.delete(claimed))
      return 'conflict'
    })
    const written = await move(made.context, signingIn(loaded, { b: 1 }))
    expect(written).toMatchObject({ outcome: 'renewed', tries: 2 })
    expect(written.address!.id).not.toBe(claimed)
    const { record } = await moved(made, written)
    expect(valuesOf(record)).toEqual({ a: 1, b: 1 })
    expect(await listOf(made, record.owner)).toHaveLength(1)
    const told = made.store.log.filter(([, id]) => id === listId)
    expect(told.map(([command]) => command)).toEqual(['load', 'create'])
  })

  it('has no session in it whose record could not be added', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('create', passed, refused, refused)
    const written = await move(made.context, signingIn(loaded))
    expect(written).toEqual({ outcome: 'unavailable', tries: 1 })
    expect(made.commands().slice(-2)).toEqual(['load', 'save'])
    expect(await listOf(made, await newOwner(made.context, 'zoë'))).toEqual([])
  })

  it('has no session in it that was withdrawn', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const isOld = (): boolean => made.store.log.at(-1)?.[1] === loaded.address.id
    const busy: Fault = (run) => (isOld() ? Promise.resolve('conflict') : run())
    made.store.fail('save', ...forever(busy, 400))
    const written = await move(made.context, signingIn(loaded))
    expect(written).toEqual({ outcome: 'conflict', tries: 16 })
    expect(await listOf(made, await newOwner(made.context, 'zoë'))).toEqual([])
  })
})

/** Everything that can go wrong with one command. */
const faults: [string, Fault][] = [
  ['is lost', lost],
  ['never arrives', refused],
]

type Kind = 'renew' | 'sign-in' | 'rotate'

const makes: { readonly [kind in Kind]: (loaded: LoadedSession, changes: Values) => Write } = {
  renew: renewal,
  'sign-in': signingIn,
  rotate: rotation,
}

const commandsOf: { readonly [kind in Kind]: readonly Command[] } = {
  renew: ['create', 'save'],
  'sign-in': ['load', 'create', 'create', 'save'],
  rotate: ['save', 'load', 'create', 'save'],
}

/** Lets the command at this place of a move meet a fault. */
function failAt(made: Fake, commands: readonly Command[], at: number, ...given: Fault[]): void {
  const command = commands[at] as Command
  const earlier = commands.slice(0, at).filter((each) => each === command)
  made.store.fail(command, ...earlier.map(() => passed), ...given)
}

/** Which of two tokens leads to the session, if any, and to what. */
async function whereIs(
  made: Fake,
  loaded: LoadedSession,
  { address }: Written,
): Promise<readonly ['old' | 'new' | 'nowhere', unknown]> {
  const at = address && (await read(made, address))
  if (at) return [address.id === loaded.address.id ? 'old' : 'new', valuesOf(at.record)]
  const old = await read(made, loaded.address)
  return old ? ['old', valuesOf(old.record)] : ['nowhere', null]
}

const places = (Object.keys(commandsOf) as Kind[]).flatMap((kind) =>
  commandsOf[kind].flatMap((command, at) =>
    faults.map(([name, fault]) => [kind, at, command, name, fault] as const),
  ),
)

describe('a move of which one command fails', () => {
  it.each(places)(
    'B5: %s, command %i, %s, that %s: the session lives, and the outcome says where',
    async (kind, at, _command, _name, fault) => {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      failAt(made, commandsOf[kind], at, fault)
      const written = await move(waiting(made), makes[kind](loaded, { b: 2 }))
      const [token, values] = await whereIs(made, loaded, written)
      const done = kind === 'rotate' ? ['rotated', 'saved'] : ['renewed']
      if (written.outcome === 'unavailable') {
        expect([token, values]).toEqual(['old', { a: 1 }])
        expect(written.createdAt).toBeUndefined()
      } else {
        expect(done).toContain(written.outcome)
        expect(values).toEqual({ a: 1, b: 2 })
        expect(token).toBe(written.outcome === 'saved' ? 'old' : 'new')
        if (token === 'new') expect(await entryAt(made, loaded)).not.toHaveProperty('blocks')
      }
    },
  )

  it.each(
    (Object.keys(commandsOf) as Kind[]).flatMap((kind) =>
      commandsOf[kind].map((command, at) => [kind, at, command] as const),
    ),
  )(
    'B5: %s, the store away from command %i, %s, on: unavailable, under the old token',
    async (kind, at) => {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      failAt(made, commandsOf[kind], at, async () => {
        made.store.down = true
        throw new Error('connection refused')
      })
      const written = await move(waiting(made), makes[kind](loaded, { b: 2 }))
      expect(written.outcome).toBe('unavailable')
      expect(written.createdAt).toBeUndefined()
      made.store.down = false
      const old = await read(made, loaded.address)
      expect(old && valuesOf(old.record)).toEqual({ a: 1 })
    },
  )

  it.each(
    (Object.keys(commandsOf) as Kind[]).flatMap((kind) =>
      commandsOf[kind].map((command, at) => [kind, at, command] as const),
    ),
  )('S38: %s, command %i, %s: a fault in the set-up is passed on', async (kind, at) => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    failAt(made, commandsOf[kind], at, () => Promise.reject(fault))
    await expect(move(made.context, makes[kind](loaded, { b: 2 }))).rejects.toBe(fault)
  })

  it.each(['renew', 'sign-in', 'rotate'] as const)(
    'B5: %s, the answer to the mark is lost and the store is away: unavailable, nothing withdrawn',
    async (kind) => {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      failAt(made, commandsOf[kind], commandsOf[kind].length - 1, async (run) => {
        await run()
        made.store.down = true
        throw new Error('timed out')
      })
      const written = await move(waiting(made), makes[kind](loaded, { b: 2 }))
      expect(written).toMatchObject({ outcome: 'unavailable' })
      expect(await countSessions(made)).toBe(1)
      expect(made.commands()).not.toContain('delete')
    },
  )

  it('B5: a mark that was slow does not arrive after the next try, whatever the order', async () => {
    for (const kind of ['renew', 'sign-in', 'rotate'] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      let arrive: () => Promise<unknown> = async () => null
      failAt(made, commandsOf[kind], commandsOf[kind].length - 1, async (run) => {
        arrive = run
        throw new Error('timed out')
      })
      const written = await move(waiting(made), makes[kind](loaded, { b: 2 }))
      expect([kind, written.outcome]).toEqual([kind, kind === 'rotate' ? 'rotated' : 'renewed'])
      expect(await arrive()).toBe('conflict')
      expect(valuesOf((await moved(made, written)).record)).toEqual({ a: 1, b: 2 })
    }
  })

  it('B5: a mark that arrives just before the record is held is taken for done', async () => {
    for (const kind of ['renew', 'sign-in', 'rotate'] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      let arrive: () => Promise<unknown> = async () => null
      failAt(
        made,
        commandsOf[kind],
        commandsOf[kind].length - 1,
        async (run) => {
          arrive = run
          throw new Error('timed out')
        },
        after(() => arrive()),
      )
      const written = await move(waiting(made), makes[kind](loaded, { b: 2 }))
      expect([kind, written.outcome]).toEqual([kind, kind === 'rotate' ? 'rotated' : 'renewed'])
      expect(valuesOf((await moved(made, written)).record)).toEqual({ a: 1, b: 2 })
      const entry = await entryAt(made, loaded)
      expect(entry).toHaveProperty('kind', kind === 'rotate' ? 'forward' : 'moved')
    }
  })

  it('B5: a hold whose answer is lost costs a renewal nothing', async () => {
    for (const [, fault] of faults) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      made.store.fail('save', changed(made, loaded, { c: 1 }), fault)
      const written = await move(waiting(made), renewal(loaded, { b: 2 }))
      expect(written).toMatchObject({ outcome: 'renewed' })
      expect(valuesOf((await moved(made, written)).record)).toEqual({ a: 1, b: 2, c: 1 })
    }
  })

  it('rule 4: withdraws nothing while a mark may still arrive', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    made.store.fail('save', ...forever(refused, 400))
    const written = await move(waiting(made), renewal(loaded, { b: 2 }))
    expect(written.outcome).toBe('unavailable')
    expect(made.commands()).not.toContain('delete')
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ a: 1 })
  })

  it('rule 3: is unavailable, and leaves the new record, if a lost mark may have been followed and have run out', async () => {
    for (const make of [renewal, rotation]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const runsOut: Fault = async (run) => {
        await run()
        await made.store.elsewhere(() => made.store.delete(loaded.address.id))
        throw new Error('timeout')
      }
      made.store.fail('save', ...(make === rotation ? [passed] : []), runsOut)
      const write = make(loaded, { b: 2 })
      const [ended] = await moveAll(waiting(made), [write], write)
      expect(ended).toMatchObject({ result: { outcome: 'unavailable' } })
      expect(made.commands()).not.toContain('delete')
    }
  })

  it('S32: holds no more often than four times in a try whose holds are not answered, whatever the mark met', async () => {
    for (const meets of ['conflict', 'lost'] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      const mark = meets === 'lost' ? refused : changed(made, loaded, { c: 1 })
      made.store.fail('save', mark, ...forever(refused))
      const saves: number[] = []
      const backOff = async (): Promise<void> => {
        saves.push(made.commands().filter((command) => command === 'save').length)
      }
      await move({ ...made.context, backOff }, renewal(loaded, { b: 2 }))
      expect([meets, saves[0]]).toEqual([meets, 1 + holdsInOutage])
    }
  })

  it('rule 4: a rotation withdraws nothing while its forward may still arrive, and takes its own hold for no other', async () => {
    for (const make of [rotation, idleRotation]) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      let late: () => Promise<unknown> = () => Promise.resolve()
      const lateForward: Fault = (run) => {
        late = () => made.store.elsewhere(run)
        return Promise.reject(new Error('timeout'))
      }
      // The hold, the forward, and four more holds.
      made.store.fail('save', passed, lateForward, refused, refused, refused, refused)
      const write = make(loaded)
      await moveAll(waiting(made), [write], write)
      await late()
      const found = await made.store.elsewhere(() => followForwards(made.context, loaded.address))
      expect(typeof found === 'string' ? found : 'record' in found).toBe(true)
    }
  })

  it('rule 4: withdraws nothing while a mark may still arrive, if its own change cannot be replayed any more', async () => {
    let refuses = false
    const refusing: StandardSchema<unknown, Values> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          refuses ? { issues: [{ message: 'no', path: ['b'] }] } : { value: value as Values },
      },
    }
    for (const make of [renewal, rotation]) {
      refuses = false
      const made = fake({ schema: refusing })
      const loaded = await put(made, { a: 1 })
      let late: () => Promise<unknown> = () => Promise.resolve()
      const lateMark: Fault = (run) => {
        late = () => made.store.elsewhere(run)
        return Promise.reject(new Error('timeout'))
      }
      // A rotation holds the record first. Then the mark, and the holds of a try.
      const before = make === rotation ? [passed] : []
      const holds = forever(refused, holdsInOutage)
      made.store.fail('save', ...before, lateMark, ...holds)
      const write = make(loaded, { b: 1 })
      const context = waiting(made)
      const backOff = (tries: number): Promise<void> => {
        refuses = true
        return context.backOff(tries)
      }
      await moveAll({ ...context, backOff }, [write], write)
      await late()
      const mark = await entryAt(made, loaded)
      const id = mark !== null && typeof mark === 'object' && 'id' in mark ? mark.id : null
      if (make === renewal)
        expect(await made.store.elsewhere(() => made.store.load(id!))).not.toBeNull()
      const found = await made.store.elsewhere(() => followForwards(made.context, loaded.address))
      if (make === rotation) expect(typeof found === 'object' && 'record' in found).toBe(true)
    }
  })

  it('is unavailable if what is under the old id cannot be opened', async () => {
    for (const kind of ['renew', 'sign-in', 'rotate'] as const) {
      const made = fake()
      const loaded = await put(made, { a: 1 })
      failAt(made, commandsOf[kind], commandsOf[kind].length - 1, refused)
      const earlier = commandsOf[kind].filter((command) => command === 'load').map(() => passed)
      const unreadable = answered({ bytes: Uint8Array.of(1), version: 1 })
      made.store.fail('load', ...earlier, unreadable)
      const written = await move(waiting(made), makes[kind](loaded, { b: 2 }))
      expect([kind, written.outcome]).toEqual([kind, 'unavailable'])
    }
  })
})
