import { describe, expect, it } from 'vitest'
import {
  answered,
  fake,
  listOf,
  lost,
  passed,
  put,
  putList,
  refused,
  second,
  start,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { Keyring } from '../crypto/keyring.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Owner } from '../store/record.ts'
import type { Listed } from './list-record.ts'
import {
  delist,
  endListed,
  enlist,
  listSubject,
  newOwner,
  revokeSubject,
  updateListed,
} from './operations.ts'

const entry: Listed = { createdAt: start, renewedAt: null, seenAt: start, label: null }

/** A session of a subject, in the store and in the list. */
async function signedIn(made: Fake, more: Partial<Listed> = {}): Promise<LoadedSession> {
  const { context } = made
  const owner = await newOwner(context, 'zoë')
  const createdAt = more.createdAt ?? start
  const loaded = await put(made, {}, { owner: null, createdAt })
  await made.store.elsewhere(() => enlist(context, owner, { ...entry, ...more }))
  return { ...loaded, record: { ...loaded.record, owner } }
}

const ownerOf = ({ record }: LoadedSession): Owner => record.owner as Owner

async function refs(made: Fake, owner: Owner): Promise<readonly string[]> {
  return (await listOf(made, owner)).map(([ref]) => ref)
}

describe('newOwner', () => {
  it('S16: ties a session to its subject’s list by a ref of its own', async () => {
    const made = fake({ testing: { random: (bytes) => bytes.fill(1) } })
    const owner = await newOwner(made.context, 'zoë')
    expect(owner).toMatchObject({ subject: 'zoë', ref: Buffer.alloc(12, 1).toString('base64url') })
    expect(owner.listId).toMatch(/^[\w-]{43}$/)
    const other = fake()
    const all = await Promise.all([1, 2, 3].map(() => newOwner(other.context, 'zoë')))
    expect(new Set(all.map(({ ref }) => ref)).size).toBe(3)
    expect(new Set(all.map(({ listId }) => listId)).size).toBe(1)
  })

  it('S41: begins a list where the newest secret says', async () => {
    const [old, fresh] = ['an old secret '.repeat(3), 'a new secret '.repeat(3)]
    const made = fake()
    const at = async (...secrets: string[]): Promise<string> =>
      (await newOwner({ ...made.context, keyring: new Keyring(secrets) }, 'zoë')).listId
    expect(await at(fresh, old)).toBe(await at(fresh))
    expect(await at(fresh, old)).not.toBe(await at(old))
  })
})

describe('enlist', () => {
  it('puts a session into the list, and begins one', async () => {
    const made = fake()
    const owner = await newOwner(made.context, 'zoë')
    expect(await enlist(made.context, owner, entry)).toBe('saved')
    expect(made.commands()).toEqual(['load', 'create'])
    expect(await listOf(made, owner)).toEqual([[owner.ref, entry]])
  })

  it('replaces its own entry, and makes no room for that', async () => {
    const made = fake({ sessionsPerSubject: 1 })
    const session = await signedIn(made)
    const owner = ownerOf(session)
    expect(await enlist(made.context, owner, { ...entry, label: 'again' })).toBe('saved')
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await listOf(made, owner)).toEqual([[owner.ref, { ...entry, label: 'again' }]])
  })

  it('S2: ends the oldest if there are more than a subject may have', async () => {
    const made = fake({ sessionsPerSubject: 3 })
    const ages = [30, 10, 20]
    const all: LoadedSession[] = []
    for (const age of ages) all.push(await signedIn(made, { createdAt: start - age * second }))
    const next = await newOwner(made.context, 'zoë')
    await enlist(made.context, next, entry)
    const [, youngest, middle] = all.map((each) => ownerOf(each).ref)
    expect(await refs(made, next)).toEqual([middle, youngest, next.ref])
  })

  it('S2: ends none while there is room, and asks for none', async () => {
    const made = fake({ sessionsPerSubject: 3 })
    await signedIn(made)
    await signedIn(made)
    const next = await newOwner(made.context, 'zoë')
    await enlist(made.context, next, entry)
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await refs(made, next)).toHaveLength(3)
  })

  it('S2, E1: leaves out what is dead before it ends a live one, and reads no record', async () => {
    const made = fake({ sessionsPerSubject: 3, lifetime: { idle: 40 } })
    const old = await signedIn(made, { createdAt: start - 100 * second })
    await signedIn(made, { createdAt: start - 90 * second, seenAt: start - 50 * second })
    const live = await signedIn(made, { seenAt: start - 49 * second })
    const next = await newOwner(made.context, 'zoë')
    await enlist(made.context, next, entry)
    expect((await refs(made, next)).toSorted()).toEqual(
      [ownerOf(live).ref, ownerOf(old).ref, next.ref].toSorted(),
    )
    expect(made.commands()).toEqual(['load', 'save'])
  })

  it('S2: leaves out what has ended by time, without asking for it', async () => {
    const made = fake({ sessionsPerSubject: 2, lifetime: { absolute: 60 } })
    const over = await signedIn(made, { createdAt: start - 60 * second })
    const live = await signedIn(made, { createdAt: start - 59 * second })
    const next = await newOwner(made.context, 'zoë')
    await enlist(made.context, next, entry)
    expect(await refs(made, next)).toEqual([ownerOf(live).ref, next.ref])
    expect(await refs(made, next)).not.toContain(ownerOf(over).ref)
    expect(made.commands()).toEqual(['load', 'save'])
  })

  it('S2: ends the one that was signed in to first, renewed or not', async () => {
    const made = fake({ sessionsPerSubject: 2 })
    const renewed = await signedIn(made, { createdAt: start - 9 * second, renewedAt: start })
    await signedIn(made, { createdAt: start - second })
    const next = await newOwner(made.context, 'zoë')
    await enlist(made.context, next, entry)
    expect(await refs(made, next)).toEqual([ownerOf(renewed).ref, next.ref])
  })

  it('S2: of sign-ins of one millisecond the first ones end', async () => {
    const made = fake({ sessionsPerSubject: 2 })
    const all: LoadedSession[] = []
    for (let n = 0; n < 6; n++) all.push(await signedIn(made))
    const last = all.slice(-2).map((each) => ownerOf(each).ref)
    expect((await refs(made, ownerOf(all[0] as LoadedSession))).toSorted()).toEqual(last.toSorted())
  })

  it('S2: keeps exactly the limit of 20 that sign in one after the other', async () => {
    const made = fake({ sessionsPerSubject: 5 })
    const all: LoadedSession[] = []
    for (let n = 0; n < 20; n++) {
      made.clock.now += second
      all.push(await signedIn(made, { createdAt: made.clock.now }))
    }
    const last = all.slice(-5).map((each) => ownerOf(each).ref)
    expect((await refs(made, ownerOf(all[0] as LoadedSession))).toSorted()).toEqual(last.toSorted())
  })
})

describe('updateListed', () => {
  it('brings an entry up to date, and keeps its label unless there is a new one', async () => {
    const made = fake()
    const session = await signedIn(made, { label: 'Firefox' })
    const owner = ownerOf(session)
    const moved = { createdAt: start, renewedAt: start, seenAt: start + second }
    expect(await updateListed(made.context, owner, moved)).toBe('saved')
    expect(await listOf(made, owner)).toEqual([[owner.ref, { ...moved, label: 'Firefox' }]])
    await updateListed(made.context, owner, { ...moved, label: 'Chrome' })
    expect(await listOf(made, owner)).toEqual([[owner.ref, { ...moved, label: 'Chrome' }]])
  })

  it('takes no time back for what is told late, such as a use beside a renewal', async () => {
    const made = fake()
    const owner = ownerOf(await signedIn(made))
    const renewed = { createdAt: start + second, renewedAt: start + second, seenAt: start + second }
    await updateListed(made.context, owner, renewed)
    await updateListed(made.context, owner, { createdAt: start, renewedAt: null, seenAt: start })
    expect(await listOf(made, owner)).toMatchObject([[owner.ref, renewed]])
    await updateListed(made.context, owner, { isBound: true })
    expect(await listOf(made, owner)).toMatchObject([[owner.ref, { ...renewed, isBound: true }]])
  })

  it('S12: leaves a session out that was revoked meanwhile, and begins no list for it', async () => {
    const made = fake()
    const session = await signedIn(made)
    const revoked = await newOwner(made.context, 'zoë')
    expect(await updateListed(made.context, revoked, entry)).toBe('saved')
    expect(await refs(made, revoked)).toEqual([ownerOf(session).ref])
    expect(made.commands()).toEqual(['load'])
    const stranger = await newOwner(made.context, 'ann')
    expect(await updateListed(made.context, stranger, entry)).toBe('missing')
    expect(await listOf(made, stranger)).toEqual([])
  })
})

describe('delist', () => {
  it('takes a session out, and leaves the others', async () => {
    const made = fake()
    const [one, two] = [await signedIn(made), await signedIn(made)]
    expect(await delist(made.context, ownerOf(one))).toBe('saved')
    expect(await refs(made, ownerOf(two))).toEqual([ownerOf(two).ref])
    expect(made.commands()).toEqual(['load', 'save'])
  })

  it('writes nothing for a session that is not in there, and begins no list', async () => {
    const made = fake()
    const session = await signedIn(made)
    expect(await delist(made.context, { ...ownerOf(session), ref: 'other' })).toBe('missing')
    expect(await delist(made.context, await newOwner(made.context, 'ann'))).toBe('missing')
    expect(made.commands()).toEqual(['load', 'load'])
  })
})

describe('revokeSubject', () => {
  it('S11: ends all of a subject’s sessions with one write', async () => {
    const made = fake()
    const session = await signedIn(made)
    await signedIn(made)
    expect(await revokeSubject(made.context, 'zoë', null)).toBe('saved')
    expect(made.commands()).toEqual(['delete'])
    expect(await listOf(made, ownerOf(session))).toEqual([])
  })

  it('S12: leaves one', async () => {
    const made = fake()
    const [kept] = [await signedIn(made), await signedIn(made), await signedIn(made)]
    expect(await revokeSubject(made.context, 'zoë', ownerOf(kept).ref)).toBe('saved')
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await refs(made, ownerOf(kept))).toEqual([ownerOf(kept).ref])
  })

  it('is missing if there was nothing to end', async () => {
    const made = fake()
    expect(await revokeSubject(made.context, 'zoë', null)).toBe('missing')
    expect(await revokeSubject(made.context, 'zoë', 'ref')).toBe('missing')
  })

  it('sends a delete once more whose answer was lost, and believes the second', async () => {
    for (const [faults, outcome] of [
      [[lost], 'saved'],
      [[refused], 'saved'],
      [[lost, refused], 'unavailable'],
      [[refused, refused], 'unavailable'],
      [[passed], 'saved'],
      [[answered('missing')], 'missing'],
    ] as const) {
      const made = fake()
      await signedIn(made)
      made.store.fail('delete', ...faults)
      expect(await revokeSubject(made.context, 'zoë', null)).toBe(outcome)
      const isFirstLost = faults[0] === lost || faults[0] === refused
      expect(made.commands()).toHaveLength(isFirstLost ? 2 : 1)
    }
  })

  describe('with several secrets', () => {
    const secrets = ['a new secret '.repeat(3), 'an old secret '.repeat(3)] as const

    async function twoLists(): Promise<{ made: Fake; owners: readonly [Owner, Owner] }> {
      const made = fake()
      const inOrder = { ...made.context, keyring: new Keyring(secrets) }
      const old = { ...made.context, keyring: new Keyring(secrets.slice(1)) }
      const owners = [await newOwner(inOrder, 'zoë'), await newOwner(old, 'zoë')] as const
      for (const owner of owners) await putList(made, owner, {})
      return { made: { ...made, context: inOrder }, owners }
    }

    it('S41: revokes in every place where a list may be', async () => {
      const { made, owners } = await twoLists()
      expect(await revokeSubject(made.context, 'zoë', null)).toBe('saved')
      expect(await Promise.all(owners.map((owner) => listOf(made, owner)))).toEqual([[], []])
    })

    it('S41: lists the sessions of all places', async () => {
      const { made, owners } = await twoLists()
      const found = await listSubject(made.context, 'zoë')
      expect([...(found as Map<string, Listed>).keys()]).toEqual(owners.map(({ ref }) => ref))
    })

    it('S41: ends one wherever it is, and is not missing for the place that lacks it', async () => {
      const { made, owners } = await twoLists()
      expect(await endListed(made.context, 'zoë', owners[1].ref)).toBe('saved')
      expect(await refs(made, owners[0])).toHaveLength(1)
      expect(await refs(made, owners[1])).toHaveLength(0)
    })

    it.each([
      [refused, 'unavailable'],
      [answered('conflict'), 'conflict'],
    ] as const)('rule 3: counts the worst outcome of all places', async (fault, outcome) => {
      const { made } = await twoLists()
      const isAtFirst = Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? fault : passed))
      const save = fault === refused ? [fault, passed, fault] : isAtFirst.map(() => fault)
      made.store.fail('save', ...save)
      expect(await revokeSubject(made.context, 'zoë', 'ref')).toBe(outcome)
    })
  })
})

describe('endListed', () => {
  it('S16: takes a session out of the list, in two commands', async () => {
    const made = fake()
    const [one, two] = [await signedIn(made), await signedIn(made)]
    expect(await endListed(made.context, 'zoë', ownerOf(one).ref)).toBe('saved')
    expect(made.commands()).toEqual(['load', 'save'])
    expect(await refs(made, ownerOf(two))).toEqual([ownerOf(two).ref])
  })

  it('is missing if it is not in there, and writes nothing', async () => {
    const made = fake()
    await signedIn(made)
    expect(await endListed(made.context, 'zoë', 'other')).toBe('missing')
    expect(await endListed(made.context, 'ann', 'other')).toBe('missing')
    expect(made.commands()).toEqual(['load', 'load'])
  })

  it('rule 3: is saved if the answer was lost, also if it has ended then', async () => {
    const made = fake()
    const session = await signedIn(made)
    made.store.fail('save', lost)
    expect(await endListed(made.context, 'zoë', ownerOf(session).ref)).toBe('saved')
    expect(await refs(made, ownerOf(session))).toEqual([])
  })

  it('rule 3: is unavailable if the list cannot be written', async () => {
    const made = fake()
    const session = await signedIn(made)
    made.store.fail('save', refused, refused)
    expect(await endListed(made.context, 'zoë', ownerOf(session).ref)).toBe('unavailable')
    expect(await refs(made, ownerOf(session))).toEqual([ownerOf(session).ref])
  })
})

describe('listSubject', () => {
  it('S16: has the sessions that are alive, and reads no record', async () => {
    const made = fake({ lifetime: { absolute: 60, idle: 20 } })
    const live = await signedIn(made, { label: 'Firefox' })
    await signedIn(made, { createdAt: start - 30 * second, seenAt: start - 25 * second })
    await signedIn(made, { createdAt: start - 60 * second })
    const found = await listSubject(made.context, 'zoë')
    expect([...(found as Map<string, Listed>)]).toEqual([
      [ownerOf(live).ref, { ...entry, label: 'Firefox' }],
    ])
    expect(made.commands()).toEqual(['load'])
  })

  it('E3: has a session for a quarter of the idle time longer than its last use may be known', async () => {
    const made = fake({ lifetime: { idle: 40 } })
    const session = await signedIn(made)
    for (const [seconds, length] of [
      [49, 1],
      [50, 0],
    ] as const) {
      made.clock.now = start + seconds * second
      const found = await listSubject(made.context, 'zoë')
      expect([seconds, (found as Map<string, Listed>).size]).toEqual([seconds, length])
    }
    expect(ownerOf(session).subject).toBe('zoë')
  })

  it('is empty if there is no list, and for one that cannot be read', async () => {
    const made = fake()
    expect(await listSubject(made.context, 'zoë')).toEqual(new Map())
    const { listId } = await newOwner(made.context, 'zoë')
    await made.store.create(listId, Uint8Array.of(1), start + 1000)
    expect(await listSubject(made.context, 'zoë')).toEqual(new Map())
  })

  it('rule 2: is unavailable in an outage, not empty', async () => {
    const made = fake()
    await signedIn(made)
    made.store.fail('load', refused)
    expect(await listSubject(made.context, 'zoë')).toBe('unavailable')
  })
})
