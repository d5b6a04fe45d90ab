import { describe, expect, it } from 'vitest'
import { fake, newAddress, put, start, valuesOf } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { createData } from '../data/lazy-object.ts'
import { take } from '../data/take.ts'
import { deviceBound } from '../device/device-options.ts'
import { insecure, nothingFound } from '../load/load.ts'
import type { Found } from '../load/load.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { SessionControl } from '../session/control.ts'
import type { Session } from '../session/session.ts'
import { newOwner } from '../subjects/operations.ts'
import type { Edit, Write } from './edit.ts'
import { isChanged, planCommit, warnOfFixation } from './plan.ts'
import type { OpenSession, Plan } from './plan.ts'

type Values = Record<string, unknown>

const live = (loaded: LoadedSession): Found => ({
  state: 'live',
  address: loaded.address,
  loaded,
  isSeenDue: false,
})

function openOf(
  made: Fake,
  found: Found,
  order = 0,
  isSecure = true,
): OpenSession & { session: Session<Values> } {
  const record = found.loaded?.record ?? null
  const base = record?.blocks ?? new Map()
  const begun = {
    state: found.state,
    id: found.loaded?.address.id ?? null,
    record,
    cookieName: made.context.cookie.name,
    isSecure,
  }
  const control = new SessionControl(begun, createData(base), made.context)
  return { found, base, control, order, session: control.session as Session<Values> }
}

/** What a handler plans that does `act` with what was found. */
function plan(
  made: Fake,
  found: Found,
  act: (session: Session<Values>) => unknown = () => {},
): Plan {
  const open = openOf(made, found)
  act(open.session)
  const planned = planCommit(made.context, open)
  warnOfFixation(made.context, open, planned)
  return planned
}

const editIn = (planned: Plan): Edit => (planned as Write).edit

describe('planCommit', () => {
  it('S17: plans nothing without a session and without a change', () => {
    const made = fake()
    expect(plan(made, nothingFound)).toEqual({ step: 'nothing', outcome: 'unchanged' })
    expect(plan(made, nothingFound, ({ data }) => data)).toEqual({
      step: 'nothing',
      outcome: 'unchanged',
    })
    expect(made.commands()).toEqual([])
  })

  it('S17: plans nothing for a session that was read alone', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    expect(plan(made, live(loaded), ({ data }) => data['a'])).toEqual({
      step: 'nothing',
      outcome: 'unchanged',
    })
  })

  it('creates a session of what a handler put into a new one', () => {
    const made = fake()
    const planned = plan(made, nothingFound, ({ data }) => (data['a'] = 1))
    expect(planned.step).toBe('create')
    const edit = editIn(planned)
    expect(valuesOf(edit.record)).toEqual({ a: 1 })
    expect(edit).toMatchObject({ isRenewed: false, restart: false, signIn: null })
    expect(edit.record).toMatchObject({ createdAt: start, renewedAt: null, owner: null })
    expect(edit.record.root).toBe(edit.root)
    expect(edit.root).toHaveLength(16)
  })

  it('creates a session for a form’s token, and with the root that the token derives from', async () => {
    const made = fake()
    const open = openOf(made, nothingFound)
    await open.session.csrfToken()
    const planned = planCommit(made.context, open)
    expect(planned.step).toBe('create')
    expect(editIn(planned).root).toBe(open.control.newRoot)
  })

  it('S70: creates a session, and overwrites none, where a record cannot be read', async () => {
    const made = fake()
    const found: Found = { ...nothingFound, state: 'unreadable', address: await newAddress(made) }
    expect(plan(made, found)).toEqual({ step: 'nothing', outcome: 'unchanged' })
    expect(plan(made, found, ({ data }) => (data['a'] = 1)).step).toBe('create')
    expect(plan(made, found, ({ destroy }) => destroy())).toEqual({ step: 'destroy', found })
  })

  it('saves what a handler changed, onto what was loaded', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1, b: 1, c: 1 })
    const open = openOf(made, live(loaded), 42)
    open.session.data['a'] = 2
    delete open.session.data['b']
    const planned = planCommit(made.context, open) as Write
    expect(planned).toMatchObject({ step: 'save', order: 42 })
    expect(planned.loaded).toBe(loaded)
    expect(valuesOf(planned.edit.record)).toEqual({ a: 2, c: 1 })
    expect([...planned.edit.changes.set.keys()]).toEqual(['a'])
    expect([...planned.edit.changes.deleted]).toEqual(['b'])
    expect(planned.edit.base).toBe(open.base)
    expect(planned.edit.root).toBe(loaded.record.root)
  })

  it('writes nothing for a form’s token of a session that was loaded', async () => {
    const made = fake()
    const open = openOf(made, live(await put(made, { a: 1 })))
    await open.session.csrfToken()
    expect(planCommit(made.context, open).step).toBe('nothing')
  })

  it('S7: renews for renew, with a new root, changed or not', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const planned = plan(made, live(loaded), ({ renew }) => renew()) as Write
    expect(planned.step).toBe('renew')
    expect(planned.edit).toMatchObject({ isRenewed: true, restart: false, signIn: null })
    expect(planned.edit.root).not.toEqual(loaded.record.root)
    const again = plan(made, live(loaded), ({ renew }) => renew({ reauthenticated: true }))
    expect(editIn(again).restart).toBe(true)
  })

  it('S7: moves the token at every sign-in, also as the same subject, and restarts the lifetime', async () => {
    const made = fake()
    const loaded = await put(made, {}, { owner: await newOwner(made.context, 'zoë') })
    const planned = plan(made, live(loaded), ({ signIn }) => signIn('zoë', { label: 'Firefox' }))
    expect(planned.step).toBe('sign-in')
    expect(editIn(planned)).toMatchObject({
      isRenewed: true,
      restart: true,
      signIn: { subject: 'zoë', label: 'Firefox' },
    })
  })

  it('creates a session for a sign-in without one, though nothing was changed', () => {
    const made = fake()
    const planned = plan(made, nothingFound, ({ signIn }) => signIn('zoë'))
    expect(planned.step).toBe('create')
    expect(editIn(planned)).toMatchObject({ isRenewed: true, signIn: { subject: 'zoë' } })
    expect(plan(made, nothingFound, ({ renew }) => renew()).step).toBe('nothing')
  })

  it('T4: rotates a token that is due, changed or not, and never before', async () => {
    const made = fake({ lifetime: { rotate: 60 } })
    const loaded = await put(made, { a: 1 })
    made.clock.now = start + 59_999
    expect(plan(made, live(loaded)).step).toBe('nothing')
    made.clock.now = start + 60_000
    expect(plan(made, live(loaded)).step).toBe('rotate')
    const planned = plan(made, live(loaded), ({ data }) => (data['a'] = 2))
    expect(planned.step).toBe('rotate')
    expect(editIn(planned).root).toBe(loaded.record.root)
  })

  it('rule 4: saves the first use of a token that a rotation gave out, and asks for nothing by it', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 }, { isTokenUnused: true })
    const planned = plan(made, live(loaded)) as Write
    expect(planned.step).toBe('save')
    expect(planned.edit).toMatchObject({ isAsked: false, usesToken: loaded.record.rotatedAt })
    expect(planned.edit.record.isTokenUnused).toBe(false)
    const changed = plan(made, live(loaded), ({ data }) => (data['a'] = 2)) as Write
    expect(changed.edit).toMatchObject({ isAsked: true, usesToken: loaded.record.rotatedAt })
    expect(plan(made, live({ ...loaded, isForwarded: true })).step).toBe('nothing')
  })

  it('rule 4: asks for nothing by a rotation alone, and for something by all else', async () => {
    const made = fake({ lifetime: { rotate: 60 } })
    const loaded = await put(made, { a: 1 })
    const asked = (act?: (session: Session<Values>) => unknown): boolean =>
      editIn(plan(made, live(loaded), act)).isAsked
    expect(asked(({ data }) => (data['a'] = 2))).toBe(true)
    expect(asked(({ renew }) => renew())).toBe(true)
    expect(asked(({ signIn }) => signIn('zoë'))).toBe(true)
    made.clock.now += 60_000
    expect(asked()).toBe(false)
    expect(asked(({ data }) => (data['a'] = 2))).toBe(true)
  })

  it('rule 3: plans nothing under a token that was moved, but a sign-in and a sign-out', async () => {
    const made = fake()
    const address = await newAddress(made)
    const moved: Found = { ...nothingFound, state: 'moved', address }
    expect(plan(made, moved)).toEqual({ step: 'nothing', outcome: 'unchanged' })
    for (const act of [
      ({ data }: Session<Values>) => (data['a'] = 1),
      ({ renew }: Session<Values>) => renew(),
      ({ csrfToken }: Session<Values>) => csrfToken(),
    ]) {
      expect(plan(made, moved, act)).toEqual({ step: 'nothing', outcome: 'moved' })
    }
    expect(plan(made, moved, ({ signIn }) => signIn('zoë')).step).toBe('create')
    expect(plan(made, moved, ({ destroy }) => destroy())).toEqual({ step: 'destroy', found: moved })
  })

  it('destroys at the address that was found, and reads no data for it', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const found = live(loaded)
    const planned = plan(made, found, (session) => {
      session.data['a'] = () => {}
      session.destroy()
    })
    expect(planned).toEqual({ step: 'destroy', found })
  })

  it('drops what cannot be stored when the changes are discarded', async () => {
    const made = fake()
    const planned = plan(made, live(await put(made, {})), (session) => {
      session.data['a'] = () => {}
      session.discard()
    })
    expect(planned).toEqual({ step: 'nothing', outcome: 'discarded' })
  })

  it('T2: plans no write while the store is away, but a sign-out', async () => {
    const made = fake()
    const address = await newAddress(made)
    const away: Found = { ...nothingFound, state: 'unavailable', address }
    expect(plan(made, away)).toEqual({ step: 'nothing', outcome: 'unchanged' })
    for (const act of [
      ({ data }: Session<Values>) => (data['a'] = 1),
      ({ signIn }: Session<Values>) => signIn('zoë'),
      ({ renew }: Session<Values>) => renew(),
    ]) {
      expect(plan(made, away, act)).toEqual({ step: 'nothing', outcome: 'unavailable' })
    }
    expect(plan(made, away, ({ destroy }) => destroy())).toEqual({ step: 'destroy', found: away })
    expect(plan(made, insecure, ({ destroy }) => destroy())).toEqual({
      step: 'destroy',
      found: insecure,
    })
  })

  it('writes down what was taken, of the base and of the version that was loaded', async () => {
    const migrate = { version: 2, reads: 3, up: (data: object) => data }
    const made = fake({ migrate })
    const loaded = await put(made, { flash: 1, a: 1 }, { version: 3 })
    const edit = editIn(plan(made, live(loaded), ({ data }) => take(data, 'flash')))
    expect(edit).toMatchObject({ taken: new Set(['flash']), version: 3 })
    expect([valuesOf(edit.record), edit.record.version]).toEqual([{ a: 1 }, 3])
    const begun = editIn(plan(made, nothingFound, ({ data }) => (data['a'] = 1)))
    expect([begun.version, begun.record.version]).toEqual([2, 2])
  })

  it('compares with what the schema made of the data, so that defaults are no change', async () => {
    const made = fake()
    const loaded = await put(made, { a: 1 })
    const other = await put(made, { a: 1, b: 'a default' })
    const open = { ...openOf(made, live(other)), found: live(loaded) }
    expect(planCommit(made.context, open).step).toBe('nothing')
    open.session.data['c'] = 1
    const planned = planCommit(made.context, open)
    expect(valuesOf(editIn(planned).record)).toEqual({ a: 1, c: 1 })
  })
})

describe('a commit that cannot be', () => {
  it.each<[string, (data: Values) => unknown]>([
    ['unsupported-value', (data) => (data['a'] = () => {})],
    ['too-large', (data) => (data['a'] = 'x'.repeat(2000))],
  ])('rule 7: is refused before anything is sent: %s', async (code, act) => {
    const made = fake({ maxBytes: 1000 })
    const loaded = await put(made, { a: 1 })
    for (const found of [nothingFound, live(loaded)]) {
      expect(() => plan(made, found, ({ data }) => act(data))).toThrow(
        expect.objectContaining({ code }),
      )
    }
    expect(made.commands()).toEqual([])
  })

  it('does not ask a resolver where the session is its own', async () => {
    const made = fake({
      merge: () => () => {
        throw new Error('asked')
      },
    })
    const loaded = await put(made, { a: 1 })
    expect(plan(made, live(loaded), ({ data }) => (data['a'] = 2)).step).toBe('save')
  })
})

describe('fixation.risk', () => {
  const keyed = { authKeys: ['user', 'role'] }

  it('S46: is said of a key that means a login, in a session that keeps its token', async () => {
    const made = fake(keyed)
    const loaded = await put(made, { a: 1 })
    plan(made, live(loaded), ({ data }) => (data['role'] = 'admin'))
    expect(made.events).toEqual([
      { type: 'fixation.risk', idPrefix: loaded.address.id.slice(0, 8), key: 'role' },
    ])
  })

  it('S46: names the first of several keys, and is said for a rotation too', async () => {
    const made = fake({ ...keyed, lifetime: { rotate: 60 } })
    const loaded = await put(made, {})
    made.clock.now += 60_000
    plan(made, live(loaded), ({ data }) => Object.assign(data, { role: 'admin', user: 1 }))
    expect(made.events).toMatchObject([{ type: 'fixation.risk', key: 'user' }])
  })

  it('S46: is not said of a renewal, a new session, a key that was there, and no login', async () => {
    const made = fake(keyed)
    const loaded = await put(made, { user: 1 })
    plan(made, live(loaded), ({ data }) => (data['user'] = 2))
    plan(made, live(loaded), ({ data }) => (data['other'] = 2))
    plan(made, live(loaded), ({ data }) => delete data['user'])
    plan(made, nothingFound, ({ data }) => (data['user'] = 1))
    const empty = await put(made, {})
    plan(made, live(empty), (session) => {
      session.renew()
      session.data['user'] = 1
    })
    plan(made, live(empty), (session) => {
      session.signIn('zoë')
      session.data['user'] = 1
    })
    expect(made.events).toEqual([])
  })
})

describe('a response that hands out a token already', () => {
  const begun = `__Host-Http-sid=${'t'.repeat(42)}A; Path=/`
  const planned = (
    found: Found,
    line: string,
    act: (session: Session<Values>) => unknown,
  ): Plan => {
    const made = fake()
    const open = openOf(made, found)
    act(open.session)
    open.answer = new Response(null, { headers: { 'Set-Cookie': line } })
    return planCommit(made.context, open)
  }
  const changing = ({ data }: Session<Values>): unknown => (data['a'] = 2)

  it('rule 3: keeps the session that it begins: a plain change begins no second one', () => {
    const moved = { step: 'nothing', outcome: 'moved' }
    expect(planned(nothingFound, begun, changing)).toEqual(moved)
    expect(planned(nothingFound, begun, ({ csrfToken }) => csrfToken())).toEqual(moved)
    expect(planned(nothingFound, begun, () => {})).toMatchObject({ outcome: 'unchanged' })
  })

  it('rule 5: does not stop a sign-in, nor what is done to a session that is there', async () => {
    const loaded = live(await put(fake(), { a: 1 }))
    expect(planned(nothingFound, begun, ({ signIn }) => signIn('zoë')).step).toBe('create')
    expect(planned(loaded, begun, changing).step).toBe('save')
    expect(planned(loaded, begun, ({ renew }) => renew()).step).toBe('renew')
  })

  it.each([
    ['sets another cookie', begun.replace('sid', 'other')],
    ['takes the cookie back', '__Host-Http-sid=; Path=/; Max-Age=0'],
    ['sets what is no token', '__Host-Http-sid=hello; Path=/'],
  ])('is none that %s', (_what, line) => {
    expect(planned(nothingFound, line, changing).step).toBe('create')
  })
})

describe('a check of a form’s token that was not awaited', () => {
  const verify = ({ verifyCsrf }: Session<Values>): Promise<boolean> => verifyCsrf('forged')

  it('S14: fails the commit with nothing sent, changed or not, until it is awaited', async () => {
    const made = fake()
    for (const found of [nothingFound, live(await put(made, { a: 1 }))]) {
      const open = openOf(made, found)
      const isRight = verify(open.session)
      expect(() => planCommit(made.context, open)).toThrow(
        new TypeError('Coatcheck: session.verifyCsrf() was not awaited'),
      )
      open.session.data['a'] = 2
      expect(() => planCommit(made.context, open)).toThrow(TypeError)
      expect(await isRight).toBe(false)
      expect(() => planCommit(made.context, open)).not.toThrow()
    }
    expect(made.commands()).toEqual([])
  })

  it('fails no sign-out, and nothing that is dropped', async () => {
    const made = fake()
    const loaded = live(await put(made, { a: 1 }))
    for (const end of ['destroy', 'discard'] as const) {
      const act = (session: Session<Values>): void => {
        void verify(session)
        session[end]()
      }
      expect(() => plan(made, loaded, act)).not.toThrow()
    }
  })
})

describe('what a sign-in offers to the browser', () => {
  const made = fake({ deviceBound: deviceBound() })
  const signingIn = ({ signIn }: Session<Values>): unknown => signIn('zoë')
  const offerOf = (found: Found, act: typeof signingIn, isSecure = true): unknown => {
    const open = openOf(made, found, 0, isSecure)
    act(open.session)
    return editIn(planCommit(made.context, open)).offer
  }
  const offered = { offeredAt: start, key: null, proofs: 0 }

  it('is a new device, whatever the session was bound to before', async () => {
    const device = { ...offered, id: 'of before', secret: new Uint8Array(16), proofs: 1 }
    for (const found of [nothingFound, live(await put(made, {}, { device }))]) {
      const first = offerOf(found, signingIn)
      expect(first).toMatchObject(offered)
      expect(first).not.toHaveProperty('id', 'of before')
      expect(offerOf(found, signingIn)).not.toEqual(first)
      const asked = offerOf(found, ({ signIn }) => signIn('zoë', { deviceBound: true }))
      expect(asked).toMatchObject(offered)
    }
  })

  it('is nothing over plain http, nor if the sign-in says so, nor without a sign-in', async () => {
    for (const found of [nothingFound, live(await put(made, { a: 1 }))]) {
      expect(offerOf(found, signingIn, false)).toBeUndefined()
      const unbound = offerOf(found, ({ signIn }) => signIn('zoë', { deviceBound: false }))
      expect(unbound).toBeUndefined()
      expect(offerOf(found, ({ data }) => (data['a'] = 2))).toBeUndefined()
    }
    const loaded = live(await put(made, { a: 1 }))
    expect(offerOf(loaded, ({ renew }) => renew())).toBeUndefined()
    expect(editIn(plan(fake(), loaded, signingIn)).offer).toBeUndefined()
  })
})

describe('isChanged', () => {
  type Act = (session: Session<Values>) => unknown

  it.each<[string, boolean, boolean, Act]>([
    ['nothing', false, false, () => {}],
    ['reading', false, false, ({ data }) => data['a']],
    ['changing', true, true, ({ data }) => (data['a'] = 2)],
    [
      'a value that is put back',
      false,
      false,
      ({ data }) => Object.assign(data, { a: 2 }, { a: 1 }),
    ],
    ['a token for a form', true, false, ({ csrfToken }) => csrfToken()],
    ['signing in', true, true, ({ signIn }) => signIn('zoë')],
    ['renewing', true, true, ({ renew }) => renew()],
    ['ending', true, true, ({ destroy }) => destroy()],
    ['dropping', false, false, ({ discard }) => discard()],
    [
      'dropping what was changed',
      false,
      false,
      ({ data, discard }) => {
        data['a'] = 2
        discard()
      },
    ],
  ])('tells whether there is something to write, for %s: new %s, live %s', async (...row) => {
    const [what, inNew, inLive, act] = row
    const made = fake()
    const open = openOf(made, live(await put(made, { a: 1 })))
    act(open.session)
    expect(isChanged(open)).toBe(inLive)
    if (what.startsWith('a value')) return
    const begun = openOf(made, nothingFound)
    act(begun.session)
    expect(isChanged(begun)).toBe(inNew)
  })

  it('throws for a value that cannot be stored', () => {
    const open = openOf(fake(), nothingFound)
    open.session.data['a'] = () => {}
    expect(() => isChanged(open)).toThrow(expect.objectContaining({ code: 'unsupported-value' }))
  })
})
