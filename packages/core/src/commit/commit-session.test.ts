import { describe, expect, it } from 'vitest'
import {
  answered,
  change,
  end,
  fake,
  listOf,
  put,
  read,
  refused,
  second,
  setting,
  start,
  valuesOf,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { offered, proven } from '../../test/fakes/devices.ts'
import { addressOf } from '../crypto/token.ts'
import { createData } from '../data/lazy-object.ts'
import type { StandardSchema } from '../data/schema.ts'
import { take } from '../data/take.ts'
import { deviceBound } from '../device/device-options.ts'
import { SessionError } from '../errors.ts'
import { nothingFound } from '../load/load.ts'
import type { Found } from '../load/load.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { SessionControl } from '../session/control.ts'
import type { Session } from '../session/session.ts'
import { newOwner } from '../subjects/operations.ts'
import { afterFailure, commitSession } from './commit-session.ts'
import type { Committed } from './committed.ts'
import type { OpenSession } from './plan.ts'

type Values = Record<string, unknown>

interface Opened extends OpenSession {
  readonly session: Session<Values>
}

function openOf(made: Fake, loaded: LoadedSession | null, isSeenDue = false): Opened {
  const found: Found = loaded
    ? { state: 'live', address: loaded.address, loaded, isSeenDue }
    : nothingFound
  const base = loaded?.record.blocks ?? new Map()
  const begun = {
    state: found.state,
    id: loaded && loaded.address.id,
    record: loaded && loaded.record,
    isSecure: true,
  }
  const control = new SessionControl(begun, createData(base), made.context)
  return { found, base, control, order: 0, session: control.session as Session<Values> }
}

const commit = async (made: Fake, open: Opened): Promise<Committed> =>
  commitSession(made.context, open, made.context.cookie)

describe('commitSession', () => {
  it('refuses what the handler does later, from the moment that it is called', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const open = openOf(made, loaded)
    open.session.data['a'] = 2
    const committing = commit(made, open)
    const late = (what: string): SessionError =>
      new SessionError(
        'committed',
        `Coatcheck: ${what} after the session was saved has no effect: do it before the response is returned`,
      )
    expect(() => (open.session.data['a'] = 3)).toThrow(late('Assigning session.data.a'))
    expect(() => open.session.destroy()).toThrow(late('session.destroy()'))
    expect(await committing).toMatchObject({ outcome: 'saved', failure: null })
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ a: 2 })
  })

  it('throws before anything is sent or closed if the session cannot be stored', async () => {
    const made = fake()
    const open = openOf(made, await put(made, { a: 1 }))
    open.session.data['a'] = () => {}
    await expect(commit(made, open)).rejects.toMatchObject({ code: 'unsupported-value' })
    expect(made.commands()).toEqual([])
    open.session.data['a'] = 2
    expect(await commit(made, open)).toMatchObject({ outcome: 'saved' })
  })

  it('gives the session the id that it has after the commit', async () => {
    const made = fake()
    const fresh = openOf(made, null)
    fresh.session.data['a'] = 1
    expect(fresh.session.id).toBeNull()
    const { cookie } = await commit(made, fresh)
    expect(fresh.session.id).toMatch(/^[\w-]{43}$/)
    expect(fresh.session.id).not.toBe(cookie?.value)

    const loaded = await put(made, { a: 1 })
    const renewed = openOf(made, loaded)
    renewed.session.renew()
    await commit(made, renewed)
    expect(renewed.session.id).not.toBe(loaded.address.id)

    const kept = openOf(made, await put(made, { a: 1 }))
    const { id } = kept.session
    await commit(made, kept)
    expect(kept.session.id).toBe(id)
  })

  it('takes the id of a session that has ended away', async () => {
    const made = fake()
    const destroyed = openOf(made, await put(made, { a: 1 }))
    destroyed.session.destroy()
    expect(await commit(made, destroyed)).toMatchObject({ outcome: 'destroyed' })
    expect(destroyed.session.id).toBeNull()

    const loaded = await put(made, { a: 1 })
    const gone = openOf(made, loaded)
    gone.session.data['a'] = 2
    await end(made, loaded)()
    expect(await commit(made, gone)).toMatchObject({ outcome: 'gone', failure: null })
    expect(gone.session.id).toBeNull()
  })

  it('keeps the id when nothing is known for certain', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const open = openOf(made, loaded)
    open.session.data['a'] = 2
    made.store.down = true
    expect(await commit(made, open)).toMatchObject({
      outcome: 'unavailable',
      failure: { asked: 'change' },
    })
    expect(open.session.id).toBe(loaded.address.id)
  })

  it('has the result at once if there is nothing to write', async () => {
    const made = fake()
    const read = openOf(made, await put(made, { a: 1 }))
    void read.session.data['a']
    const dropped = openOf(made, await put(made, { a: 1 }))
    dropped.session.data['a'] = 2
    dropped.session.discard()
    for (const [open, outcome] of [
      [openOf(made, null), 'unchanged'],
      [read, 'unchanged'],
      [dropped, 'discarded'],
    ] as const) {
      const committed = commitSession(made.context, open, made.context.cookie)
      expect(committed).not.toBeInstanceOf(Promise)
      expect(committed).toMatchObject({ outcome })
    }
    expect(made.commands()).toEqual([])
  })

  it('closes the connections that the request has, after the last command', async () => {
    const acts: [string, readonly string[], (session: Session<Values>) => unknown][] = [
      ['reads', [], ({ data }) => data['a']],
      ['saves', ['save'], ({ data }) => (data['a'] = 2)],
      ['renews', ['create', 'save'], ({ renew }) => renew()],
      ['ends', ['delete'], ({ destroy }) => destroy()],
    ]
    for (const [what, commands, act] of acts) {
      const made = fake()
      const released: unknown[] = []
      const release = (): void => void released.push(made.commands())
      const open = openOf(made, await put(made, { a: 1 }))
      act(open.session)
      await commitSession({ ...made.context, release }, open, made.context.cookie)
      expect([what, released]).toEqual([what, [commands]])
    }
  })

  it('S61: says whether the session was read, and what the browser is to forget', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const unread = openOf(made, loaded)
    expect((await commit(made, unread)).cacheControl).toBeNull()
    const open = openOf(made, loaded)
    void open.session.state
    expect((await commit(made, open)).cacheControl).toBe('private')
    const over = openOf(made, loaded)
    over.session.destroy({ clearSiteData: ['cache'] })
    expect((await commit(made, over)).clearSiteData).toBe('"cache"')
  })

  it('S34: emits the commit with the id that the token led to', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const open = openOf(made, loaded)
    open.session.discard()
    await commit(made, open)
    expect(made.events).toEqual([
      {
        type: 'commit',
        idPrefix: loaded.address.id.slice(0, 8),
        outcome: 'discarded',
        tries: 0,
      },
    ])
  })

  it('S20: sets no cookie where none may be set', async () => {
    const made = fake()
    const open = openOf(made, null)
    open.session.data['a'] = 1
    expect((await commitSession(made.context, open, null)).cookie).toBeNull()
  })

  it('S37: says that a sign-in, a sign-out or a change was not done', async () => {
    const made = fake()
    for (const [act, asked] of [
      [({ signIn }: Session<Values>) => signIn('zoë'), 'sign-in'],
      [({ destroy }: Session<Values>) => destroy(), 'sign-out'],
      [({ data }: Session<Values>) => (data['a'] = 2), 'change'],
    ] as const) {
      const open = openOf(made, await put(made, { a: 1 }))
      act(open.session)
      made.store.down = true
      expect((await commit(made, open)).failure).toMatchObject({ asked })
      made.store.down = false
    }
  })
})

describe('a browser that came by an old token', () => {
  const forwarded = async (made: Fake, isTokenUnused: boolean): Promise<LoadedSession> => {
    const loaded = await put(made, { a: 1 }, { isTokenUnused })
    return { ...loaded, isForwarded: true }
  }

  it('B8: is told the new token while that was not used, changed or not', async () => {
    const made = fake()
    const loaded = await forwarded(made, true)
    for (const act of [() => {}, ({ data }: Session<Values>) => (data['a'] = 2)]) {
      const open = openOf(made, (await read(made, loaded.address)) && loaded)
      act(open.session)
      const { cookie, cacheControl, failure } = await commit(made, open)
      expect(cookie?.value).toBe(loaded.address.token)
      expect([cacheControl, failure]).toEqual(['private, no-store', null])
    }
  })

  it('F6: is not told it by a request that is no use of the session', async () => {
    const made = fake()
    const open = { ...openOf(made, await forwarded(made, true)), touch: false }
    expect(await commit(made, open)).toMatchObject({ outcome: 'unchanged', cookie: null })
  })

  it('B8: is not told it once it was used', async () => {
    const made = fake()
    const open = openOf(made, await forwarded(made, false))
    open.session.data['a'] = 2
    expect(await commit(made, open)).toMatchObject({ outcome: 'saved', cookie: null })
  })

  it('B8: is not told it by a request that failed, dropped its changes or ended the session', async () => {
    for (const [act, outcome] of [
      [({ discard }: Session<Values>) => discard(), 'discarded'],
      [({ destroy }: Session<Values>) => destroy(), 'destroyed'],
      [({ data }: Session<Values>) => (data['a'] = 2), 'gone'],
    ] as const) {
      const made = fake()
      const loaded = await forwarded(made, true)
      if (outcome === 'gone') await end(made, loaded)()
      const open = openOf(made, loaded)
      act(open.session)
      const committed = await commit(made, open)
      expect(committed.outcome).toBe(outcome)
      expect(committed.cookie?.value ?? '').toBe('')
    }
  })

  it('is told nothing if it came by the token that the session has', async () => {
    const made = fake()
    const open = openOf(made, await put(made, { a: 1 }, { isTokenUnused: true }))
    expect(await commit(made, open)).toMatchObject({ outcome: 'unchanged', cookie: null })
    expect(made.commands()).toEqual(['save'])
  })
})

describe('a browser that came by a cookie of before', () => {
  const cookie = { name: '__Host-Http-now', former: [{ name: '__Host-Http-sid' }] }
  const begin = async (hasToken: boolean): Promise<[Fake, Opened, string]> => {
    const made = fake({ cookie })
    const loaded = await put(made, { a: 1 })
    const former = { forms: made.context.cookie.former, hasToken }
    return [made, { ...openOf(made, loaded), former }, loaded.address.token]
  }
  const namesOf = ({ formerCookies }: Committed): readonly string[] =>
    formerCookies.map(({ name }) => name)

  it.each([
    ['reads', () => {}],
    ['changes', ({ data }: Session<Values>) => (data['a'] = 2)],
  ])(
    'gets its token under the present name when it %s, and loses the former one',
    async (_, act) => {
      const [made, open, token] = await begin(true)
      act(open.session)
      const committed = await commit(made, open)
      expect(committed.cookie).toMatchObject({ name: '__Host-Http-now', value: token })
      expect(namesOf(committed)).toEqual(['__Host-Http-sid'])
      expect(committed.cacheControl).toBe('private, no-store')
    },
  )

  it('loses the former one if it has the present one too, which is left alone', async () => {
    const [made, open] = await begin(false)
    const committed = await commit(made, open)
    expect(committed).toMatchObject({ outcome: 'unchanged', cookie: null })
    expect(namesOf(committed)).toEqual(['__Host-Http-sid'])
  })

  it('keeps it while it may be the only one: by a request that is no use, or that fails', async () => {
    for (const hasToken of [true, false]) {
      const [polled, poll] = await begin(hasToken)
      const kept = await commit(polled, { ...poll, touch: false })
      expect([kept.outcome, kept.cookie, namesOf(kept)]).toEqual(['unchanged', null, []])
      const [made, open] = await begin(hasToken)
      open.session.data['a'] = 2
      made.store.down = true
      const failed = await commit(made, open)
      expect([failed.outcome, failed.cookie, namesOf(failed)]).toEqual(['unavailable', null, []])
    }
  })

  it('rule 2: keeps it if no session was found by it', async () => {
    const made = fake({ cookie })
    const former = { forms: made.context.cookie.former, hasToken: true }
    const committed = await commit(made, { ...openOf(made, null), former })
    expect([committed.cookie, namesOf(committed)]).toEqual([null, []])
  })
})

describe('a sign-in where sessions are bound to devices', () => {
  const made = fake({ deviceBound: deviceBound() })

  it.each<[string, (session: Session<Values>) => unknown, boolean]>([
    ['a sign-in', ({ signIn }) => signIn('zoë'), true],
    ['a sign-in without it', ({ signIn }) => signIn('zoë', { deviceBound: false }), false],
    ['a change', ({ data }) => (data['a'] = 2), false],
    [
      'a renewal',
      ({ data, renew }) => {
        data['a'] = 2
        renew()
      },
      false,
    ],
    ['nothing', () => {}, false],
  ])('asks the browser to register a key, in its own response: %s', async (_what, act, isAsked) => {
    for (const loaded of [null, await put(made, { a: 1 })]) {
      const open = openOf(made, loaded)
      act(open.session)
      const { deviceRegistration, cookie } = await commit(made, open)
      if (isAsked) expect(deviceRegistration).toMatch(/^\(ES256 RS256\);path=.*;challenge="/)
      else expect(deviceRegistration).toBeNull()
      if (cookie === null) continue
      const address = await addressOf(made.context.namespace, cookie.value)
      const { device } = (await read(made, address))!.record
      expect(device !== undefined).toBe(isAsked)
    }
  })

  it('rule 3: asks for nothing if it was not done', async () => {
    for (const loaded of [null, await put(made, { a: 1 })]) {
      const open = openOf(made, loaded)
      open.session.signIn('zoë')
      made.store.down = true
      const committed = await commit(made, open)
      expect(committed).toMatchObject({ outcome: 'unavailable', deviceRegistration: null })
      made.store.down = false
    }
  })

  it('takes back a bound cookie that is no proof, and one of a session that ends', async () => {
    const source = '__Host-sid-bound=old'
    for (const [act, formerCookies] of [
      [({ destroy }: Session<Values>) => destroy(), [{ name: '__Host-sid-bound', value: '' }]],
      [({ data }: Session<Values>) => (data['a'] = 2), []],
    ] as const) {
      const open = { ...openOf(made, await put(made, { a: 1 }, { device: offered })), source }
      act(open.session)
      expect(await commit(made, open)).toMatchObject({ formerCookies })
    }
  })
})

describe('a value that was taken', () => {
  const begin = async (): Promise<[Fake, LoadedSession, Opened]> => {
    const made = fake()
    const loaded = await put(made, { flash: 'saved!', a: 1 })
    const open = openOf(made, loaded)
    expect(take(open.session.data, 'flash')).toBe('saved!')
    return [made, loaded, open]
  }

  it('is gone from the session, and the commit has no failure', async () => {
    const [made, loaded, open] = await begin()
    expect(await commit(made, open)).toMatchObject({ outcome: 'saved', failure: null })
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ a: 1 })
  })

  it('by another request first, is an outcome and no error, and nothing is written', async () => {
    const [made, loaded, open] = await begin()
    open.session.data['a'] = 2
    await change(made, loaded, (record) => ({ ...record, blocks: new Map() }))()
    expect(await commit(made, open)).toMatchObject({
      outcome: 'taken',
      failure: { outcome: 'taken', asked: 'change', hasTaken: true },
      cookie: null,
    })
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({})
    expect(made.events).toMatchObject([{ type: 'commit', outcome: 'taken', tries: 1 }])
  })

  it('is said of every failure, because another request may get it too', async () => {
    const [made, , open] = await begin()
    made.store.down = true
    const { failure } = await commit(made, open)
    expect(failure).toEqual({ outcome: 'unavailable', asked: 'change', hasTaken: true })
    const [other, loaded, gone] = await begin()
    await end(other, loaded)()
    expect(await commit(other, gone)).toMatchObject({
      outcome: 'gone',
      failure: { hasTaken: true },
    })
  })

  it('was not in the session, so nothing is said of it', async () => {
    const made = fake()
    const open = openOf(made, await put(made, { a: 1 }))
    open.session.data['own'] = 1
    take(open.session.data, 'own')
    open.session.data['a'] = 2
    made.store.down = true
    expect((await commit(made, open)).failure).toEqual({ outcome: 'unavailable', asked: 'change' })
  })
})

describe('a commit that waits for its schema', () => {
  const schema: StandardSchema<unknown, object> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value) => ({ value: value as object }),
    },
  }

  it.each(['change', 'signIn', 'destroy'] as const)(
    'rule 13: %s after any number of turns is refused, or is done',
    async (what) => {
      for (let turns = 0; turns < 40; turns++) {
        const made = fake({ schema })
        const loaded = await put(made, { a: 1 })
        const open = openOf(made, loaded)
        open.session.data['a'] = 2
        const committing = commit(made, open)
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        let isRefused = false
        try {
          if (what === 'change') open.session.data['a'] = 3
          else open.session[what]('zoë' as never)
        } catch {
          isRefused = true
        }
        const { outcome } = await committing
        const done = { change: 'saved', signIn: 'renewed', destroy: 'destroyed' }[what]
        expect([turns, outcome]).toEqual([turns, isRefused ? 'saved' : done])
        if (what !== 'change') continue
        expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({
          a: isRefused ? 2 : 3,
        })
      }
    },
  )
})

describe('the list of a session that is saved by a request that is no use of it', () => {
  const later = start + 1000 * second

  it('E3: is told when it is due, in two commands', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { owner: await newOwner(made.context, 'zoë') })
    made.clock.now = later
    const open = openOf(made, loaded, true)
    open.session.data['a'] = 2
    await commit(made, open)
    expect(made.commands()).toEqual(['save', 'load', 'save'])
    expect(await listOf(made, loaded.record.owner)).toMatchObject([
      [loaded.record.owner?.ref, { createdAt: start, seenAt: later }],
    ])
  })

  it('is told then that the device has given proofs, whose own word may have been lost', async () => {
    for (const [device, isBound] of [
      [proven, true],
      [offered, undefined],
      [undefined, undefined],
    ] as const) {
      const made = fake()
      const owner = await newOwner(made.context, 'zoë')
      const loaded = await put(made, { a: 1 }, { owner, device })
      made.clock.now = later
      const open = openOf(made, loaded, true)
      open.session.data['a'] = 2
      await commit(made, open)
      const [entry] = await listOf(made, owner)
      expect(entry?.[1]).toMatchObject({ seenAt: later })
      expect(entry?.[1].isBound).toBe(isBound)
    }
  })

  it('is not told before, nor if nothing was saved, nor of a session without a subject, nor of one that has ended', async () => {
    const made = fake()
    const owned = await put(made, { a: 1 }, { owner: await newOwner(made.context, 'zoë') })
    await commit(made, openOf(made, owned, true))
    expect(made.commands()).toEqual([])
    for (const loaded of [owned, await put(made, { a: 1 })]) {
      const open = openOf(made, loaded, loaded !== owned)
      open.session.data['a'] = 2
      await commit(made, open)
      expect(made.commands()).toEqual(['save'])
    }
    const refusedOne = openOf(made, owned, true)
    refusedOne.session.data['a'] = 3
    made.store.fail('save', ...Array.from({ length: 16 }, () => answered('conflict')))
    expect(await commit(made, refusedOne)).toMatchObject({ outcome: 'conflict' })
    expect(made.commands().slice(-2)).toEqual(['load', 'save'])
    const over = openOf(made, await read(made, owned.address), true)
    over.session.destroy()
    await commit(made, over)
    expect(made.commands()).toEqual(['delete', 'load', 'save'])
  })

  it('is nothing that a request could fail by', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { owner: await newOwner(made.context, 'zoë') })
    for (const fault of [refused, answered({ bytes: Uint8Array.of(1), version: 1 })]) {
      made.store.fail('load', fault)
      const open = openOf(made, loaded, true)
      open.session.data['a'] = 2
      const { version } = (await read(made, loaded.address))!
      const found = { ...open.found, loaded: { ...loaded, version } }
      const committed = await commit(made, { ...open, found })
      expect(committed).toMatchObject({ outcome: 'saved', failure: null })
    }
  })
})

describe('afterFailure', () => {
  it('closes the connections that the request has', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    let released = 0
    const context = { ...made.context, release: () => void released++ }
    afterFailure(context, openOf(made, loaded), new SessionError('unsupported-value', 'x'))
    expect(released).toBe(1)
  })

  it('lets the session be asked for something else', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const open = openOf(made, loaded)
    open.session.data['a'] = 2
    const fault = Object.assign(new Error('no cas'), { code: 'config' })
    made.store.fail('save', () => Promise.reject(fault))
    await expect(commit(made, open)).rejects.toBe(fault)
    expect(() => open.session.discard()).toThrow(SessionError)
    afterFailure(made.context, open, fault)
    open.session.discard()
    expect(await commit(made, open)).toMatchObject({ outcome: 'discarded' })
  })

  it('S34, S82: emits session.too-large, with the id if there is one, and for nothing else', async () => {
    const made = fake({ maxBytes: 1000 })
    const loaded = await put(made, {})
    const tooLarge = new SessionError('too-large', 'x')
    afterFailure(made.context, openOf(made, loaded), tooLarge)
    afterFailure(made.context, openOf(made, null), tooLarge)
    const others = [new SessionError('merge-failed', 'x'), new Error('x'), null, undefined, 'x']
    for (const error of others) afterFailure(made.context, openOf(made, loaded), error)
    expect(made.events).toEqual([
      { type: 'session.too-large', idPrefix: loaded.address.id.slice(0, 8) },
      { type: 'session.too-large', idPrefix: null },
    ])
  })
})

describe('a commit beside others', () => {
  it('merges with what another request saved, and is asked to once', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const open = openOf(made, loaded)
    open.session.data['b'] = 1
    await change(made, loaded, setting({ c: 1 }))()
    expect(await commit(made, open)).toMatchObject({ outcome: 'saved' })
    expect(valuesOf((await read(made, loaded.address))!.record)).toEqual({ a: 1, b: 1, c: 1 })
  })

  it('rule 3: issues no cookie for a sign-in that the store refuses', async () => {
    const made = fake()
    const open = openOf(made, await put(made, { a: 1 }))
    open.session.signIn('zoë')
    made.store.fail('create', answered(true), refused, refused)
    const committed = await commit(made, open)
    expect(committed).toMatchObject({ cookie: null, failure: { asked: 'sign-in' } })
  })
})

describe('what a commit warns of', () => {
  it('S46: a key that means a login in a session that keeps its token', async () => {
    const made = fake({ authKeys: ['role'] })
    const open = openOf(made, await put(made, { a: 1 }))
    open.session.data['role'] = 'admin'
    await commit(made, open)
    expect(made.events).toContainEqual(expect.objectContaining({ type: 'fixation.risk' }))
  })

  it.each([
    ['in production over plain http', 'production', 'http://shop.example/', true],
    ['in production over https', 'production', 'https://shop.example/', false],
    ['in development over plain http', 'development', 'http://shop.example/', false],
  ])('C7: a cookie that the browser drops: %s', async (_when, mode, url, isWarned) => {
    const before = process.env['NODE_ENV']
    process.env['NODE_ENV'] = mode
    try {
      const made = fake()
      const open = { ...openOf(made, null), source: new Request(url) }
      open.session.data['a'] = 1
      expect((await commit(made, open)).cookie).not.toBeNull()
      const warnings = made.events.filter(({ type }) => type === 'cookie.insecure')
      expect(warnings).toHaveLength(isWarned ? 1 : 0)
      const unread = { ...openOf(made, null), source: new Request(url) }
      expect((await commit(made, unread)).cookie).toBeNull()
      expect(made.events.filter(({ type }) => type === 'cookie.insecure')).toEqual(warnings)
    } finally {
      if (before === undefined) delete process.env['NODE_ENV']
      else process.env['NODE_ENV'] = before
    }
  })

  it.each([
    ['unknown-secret', expect.stringContaining('a secret that is not in `secrets`')],
    ['unavailable', expect.not.stringContaining('secret')],
  ] as const)('H1: by its own error, if the session was %s', async (state, message) => {
    const made = fake({ unavailable: 'throw' })
    const found: Found = { ...nothingFound, state }
    const open = { ...openOf(made, null), found }
    const begun = { state, id: null, record: null }
    const control = new SessionControl(begun, createData(new Map()), made.context)
    ;(control.session.data as Values)['a'] = 1
    await expect(commit(made, { ...open, control } as Opened)).rejects.toMatchObject({ message })
  })
})
