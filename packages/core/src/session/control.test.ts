import { describe, expect, it } from 'vitest'
import { adoptData } from '../data/lazy-object.ts'
import { SessionError } from '../errors.ts'
import type { Intent, LoadState } from '../rules/next-step.ts'
import { blankRecord, rootLength } from '../store/record.ts'
import type { SessionRecord } from '../store/record.ts'
import { SessionControl } from './control.ts'
import type { Session } from './session.ts'

interface Data {
  a?: number
}

interface Start {
  readonly state?: LoadState
  readonly id?: string | null
  /** `null`: nothing was loaded. */
  readonly record?: Partial<SessionRecord> | null
  readonly now?: number
}

const loaded: SessionRecord = {
  ...blankRecord(1000, new Uint8Array(rootLength).fill(1)),
  renewedAt: 2000,
  owner: { subject: 'zoë', listId: 'the list', ref: 'the ref' },
}

function create({ state = 'live', id = 'the-id', record = {}, now = 0 }: Start = {}): {
  readonly control: SessionControl
  readonly session: Session<Data>
} {
  const start = { state, id, record: record && { ...loaded, ...record } }
  const options = { now: () => now, random: (bytes: Uint8Array) => bytes.fill(9) }
  const control = new SessionControl(start, adoptData({ a: 1 }), options)
  return { control, session: control.session }
}

const nothing: Start = { state: 'nothing', id: null, record: null }

describe('a session', () => {
  it('says what was found, as far as an app has to know it', () => {
    const states = (['nothing', 'live', 'unreadable', 'unavailable'] as const).map(
      (state) => create({ state }).session.state,
    )
    expect(states).toEqual(['new', 'live', 'new', 'unavailable'])
  })

  it('cannot have anything replaced', () => {
    const { session } = create()
    const open = session as unknown as Record<string, unknown>
    const names = ['data', 'id', 'state', 'createdAt', 'renewedAt', 'subject', 'ref']
    const methods = ['signIn', 'renew', 'destroy', 'discard', 'requireFresh']
    expect(() => {
      open['more'] = 1
    }).toThrow(TypeError)
    for (const name of [...names, ...methods, 'csrfToken', 'verifyCsrf']) {
      expect(() => {
        open[name] = 1
      }).toThrow(TypeError)
      const type = typeof open[name]
      delete open[name]
      expect(typeof open[name]).toBe(type)
    }
    expect(Object.isFrozen(session)).toBe(true)
    expect(Object.isFrozen(session.data)).toBe(false)
  })

  it('has the id that it was loaded under, until a commit gives it another, or none', () => {
    const { session, control } = create()
    expect(session.id).toBe('the-id')
    control.id = 'the-next'
    expect(session.id).toBe('the-next')
    control.id = null
    expect(session.id).toBeNull()
    expect(create(nothing).session.id).toBeNull()
  })

  it('works when its methods are taken off it', async () => {
    const { session, control } = create({ now: 2000 })
    const { destroy, requireFresh, csrfToken, verifyCsrf } = session
    requireFresh(10)
    expect(await verifyCsrf(await csrfToken())).toBe(true)
    destroy()
    expect(control.asked.intent).toBe('destroy')
    const { session: other, control: otherControl } = create()
    const { signIn, renew, discard } = other
    renew()
    discard()
    signIn('ann')
    expect(otherControl.asked.signIn?.subject).toBe('ann')
  })

  it('S23: shows nothing when it is spread, and its state and keys alone when it is written as JSON', () => {
    const { session } = create()
    expect({ ...session }).toEqual({})
    expect(JSON.parse(JSON.stringify(session))).toEqual({
      state: 'live',
      signedIn: true,
      createdAt: '1970-01-01T00:00:01.000Z',
      keys: ['a'],
    })
    expect(Object.keys(session)).toEqual([])
  })
})

describe('what a session tells of itself', () => {
  it('is when it began and was renewed, and whose it is', () => {
    const { session } = create()
    expect(session.createdAt).toEqual(new Date(1000))
    expect(session.renewedAt).toEqual(new Date(2000))
    expect(session.subject).toBe('zoë')
    expect(session.ref).toBe('the ref')
    session.createdAt?.setTime(0)
    expect(session.createdAt).toEqual(new Date(1000))
    const { session: fresh } = create(nothing)
    expect([fresh.createdAt, fresh.renewedAt, fresh.subject]).toEqual([null, null, null])
    expect(fresh.ref).toBeNull()
    const { session: unowned } = create({ record: { owner: null, renewedAt: null } })
    expect([unowned.subject, unowned.ref, unowned.renewedAt]).toEqual([null, null, null])
  })

  it.each<[string, (session: Session<Data>) => unknown]>([
    ['data', ({ data }) => data],
    ['id', ({ id }) => id],
    ['state', ({ state }) => state],
    ['createdAt', ({ createdAt }) => createdAt],
    ['renewedAt', ({ renewedAt }) => renewedAt],
    ['subject', ({ subject }) => subject],
    ['ref', ({ ref }) => ref],
    ['requireFresh', (session) => session.requireFresh(10)],
    ['csrfToken', (session) => session.csrfToken()],
    ['verifyCsrf', (session) => session.verifyCsrf('x')],
    ['it as JSON', (session) => JSON.stringify(session)],
  ])('S61: counts as read once the handler asks for %s', (_name, read) => {
    const { session, control } = create()
    expect(control.isRead).toBe(false)
    void read(session)
    expect(control.isRead).toBe(true)
  })

  it('S61: does not count as read by spreading, which shows nothing', () => {
    const { session, control } = create()
    expect({ ...session }).toEqual({})
    expect(control.isRead).toBe(false)
  })

  it('S61: does not count as read by what is asked of it', () => {
    const { session, control } = create()
    session.renew()
    session.discard()
    session.signIn('other', { label: 'Firefox' })
    session.destroy()
    expect(control.isRead).toBe(false)
  })

  it('S61: does not count as read by methods that are taken off it and not called', () => {
    const { session, control } = create()
    const { requireFresh, csrfToken, verifyCsrf } = session
    expect([requireFresh, csrfToken, verifyCsrf].every((each) => typeof each === 'function')).toBe(
      true,
    )
    expect(control.isRead).toBe(false)
  })
})

describe('requireFresh', () => {
  const stale = new SessionError(
    'not-fresh',
    'The visitor signed in too long ago for this: have them sign in again, ' +
      'and call session.signIn()',
  )

  it('S15: passes while the sign-in is at most so many seconds ago', () => {
    expect(() => create({ now: 2000 + 60_000 }).session.requireFresh(60)).not.toThrow()
    expect(() => create({ now: 2000 + 60_001 }).session.requireFresh(60)).toThrow(stale)
    expect(() => create({ now: 2000 }).session.requireFresh(0)).not.toThrow()
    expect(() => create({ now: 1e15 }).session.requireFresh(Infinity)).not.toThrow()
  })

  it('S15: throws without a sign-in', () => {
    const { session: anonymous } = create({ record: { renewedAt: null } })
    expect(() => anonymous.requireFresh(Infinity)).toThrow(stale)
    const { session } = create({ ...nothing, state: 'unavailable' })
    expect(() => session.requireFresh(60)).toThrow(stale)
  })

  it.each([Number.NaN, -1, undefined, 'soon'])('refuses %s for a number of seconds', (seconds) => {
    expect(() => create().session.requireFresh(seconds as number)).toThrow(
      new TypeError('session.requireFresh: give a number of seconds'),
    )
  })
})

describe('what is asked of a session', () => {
  it.each(['signIn', 'renew', 'destroy'] as const)(
    'refuses a callback of %s, which would never be called',
    (method) => {
      const { control, session } = create()
      const callback = (() => {}) as never // The types refuse it as well.
      const run = (): void =>
        method === 'signIn' ? session.signIn('zoë', callback) : session[method](callback)
      expect(run).toThrow('session: takes no callback: it is done at commit')
      expect(control.asked.intent).toBe('keep')
    },
  )

  const asks = ['renew', 'destroy', 'discard'] as const

  it.each<[Intent, string]>([
    ['keep', ''],
    ['renew', 'renew'],
    ['sign-in', 'signIn'],
    ['sign-in', 'signIn renew'],
    ['sign-in', 'renew signIn'],
    ['renew', 'signIn discard renew'],
    ['discard', 'discard'],
    ['destroy', 'destroy'],
    ['renew', 'renew renew'],
    ['discard', 'renew discard'],
    ['discard', 'signIn discard'],
    ['renew', 'discard renew'],
    ['sign-in', 'discard signIn'],
    ['renew', 'renew discard renew'],
    ['destroy', 'renew destroy'],
    ['destroy', 'signIn destroy'],
    ['destroy', 'destroy renew'],
    ['destroy', 'destroy signIn'],
    ['destroy', 'destroy discard'],
    ['destroy', 'discard destroy renew discard'],
  ])('is to %s after: %s', (expected, calls) => {
    const { session, control } = create()
    for (const call of calls.split(' ').filter(Boolean)) {
      if (call === 'signIn') session.signIn('ann')
      else session[call as 'renew']()
    }
    expect(control.asked.intent).toBe(expected)
  })

  it.each(asks)('T20: %s is refused once the session is closed, and changes nothing', (name) => {
    const { session, control } = create()
    control.close((what) => {
      throw new SessionError('committed', `${what} comes too late`)
    })
    expect(() => session[name]()).toThrow(
      new SessionError('committed', `session.${name}() comes too late`),
    )
    expect(control.asked.intent).toBe('keep')
  })

  it('T20: signIn is refused once the session is closed, and changes nothing', () => {
    const { session, control } = create()
    control.close((what) => {
      throw new SessionError('committed', `${what} comes too late`)
    })
    expect(() => session.signIn('ann')).toThrow(
      new SessionError('committed', 'session.signIn() comes too late'),
    )
    expect(control.asked).toMatchObject({ intent: 'keep', signIn: null })
    expect(session.subject).toBe('zoë')
  })

  it('T20: refuses a change of the data once the session is closed', () => {
    const { session, control } = create()
    control.close((what) => {
      throw new SessionError('committed', `${what} comes too late`)
    })
    expect(() => {
      session.data.a = 2
    }).toThrow(new SessionError('committed', 'Assigning session.data.a comes too late'))
    expect(session.data.a).toBe(1)
  })

  it('F8: gives a view that refuses new keys and deletions once the session is closed', () => {
    const { session, control } = create()
    const { data } = session
    for (const code of ['committed', 'read-only'] as const) {
      control.close((what) => {
        throw new SessionError(code, what)
      })
      expect(session.data).not.toBe(data)
      expect(session.data).toBe(session.data)
      expect(() => Object.assign(session.data, { b: 1 })).toThrow(
        new SessionError(code, 'Assigning session.data.b'),
      )
      expect(() => Reflect.deleteProperty(session.data, 'a')).toThrow(
        new SessionError(code, 'Deleting session.data.a'),
      )
    }
    control.reopen()
    expect(session.data).toBe(data)
  })

  it('F8: closes the data themselves only if the app may hold them', () => {
    for (const isHeld of [true, false]) {
      const { session, control } = create()
      if (isHeld) void session.data
      control.close((what) => {
        throw new SessionError('committed', what)
      })
      expect(Object.isSealed(control.data.object)).toBe(isHeld)
    }
  })

  it('takes something else once it is reopened, after a commit that failed', () => {
    const { session, control } = create()
    control.close((what) => {
      throw new SessionError('committed', what)
    })
    control.reopen()
    session.discard()
    expect(control.asked.intent).toBe('discard')
  })

  it('keeps what was asked for before it was closed, and can be closed for another reason', () => {
    const { session, control } = create()
    session.renew()
    for (const reason of ['first', 'second']) {
      control.close(() => {
        throw new SessionError('read-only', reason)
      })
      expect(() => session.destroy()).toThrow(new SessionError('read-only', reason))
    }
    expect(control.asked.intent).toBe('renew')
  })

  it('S9: begins the absolute lifetime anew only where the last renew said so', () => {
    const { session, control } = create()
    expect(control.asked.reauthenticated).toBe(false)
    session.renew({ reauthenticated: true })
    expect(control.asked).toMatchObject({ intent: 'renew', reauthenticated: true })
    session.renew({})
    expect(control.asked).toMatchObject({ intent: 'renew', reauthenticated: false })
    session.renew({ reauthenticated: true })
    session.discard()
    expect(control.asked.reauthenticated).toBe(false)
  })

  it('S11: takes a subject and a label of 1 to 256 characters', () => {
    const { session, control } = create()
    expect(control.asked.signIn).toBeNull()
    session.signIn('x'.repeat(256), { label: 'Firefox on 🐧' })
    expect(control.asked.signIn).toEqual({ subject: 'x'.repeat(256), label: 'Firefox on 🐧' })
    session.signIn('y', { label: 'z'.repeat(256) })
    expect(control.asked.signIn).toEqual({ subject: 'y', label: 'z'.repeat(256) })
    for (const options of [undefined, {}, { label: null }, { label: undefined }]) {
      session.signIn('y', options as { label: null })
      expect(control.asked.signIn).toEqual({ subject: 'y', label: null })
    }
  })

  it('signs in without a subject by renew, unless signIn names one', () => {
    const { session, control } = create()
    session.renew({ withoutSubject: true })
    const none = { subject: null, label: null, isPersistent: undefined }
    expect(control.asked).toMatchObject({ intent: 'sign-in', signIn: none })
    session.renew()
    expect(control.asked).toMatchObject({ intent: 'sign-in', signIn: none })
    session.signIn('ann')
    session.renew({ withoutSubject: true })
    expect(control.asked.signIn).toEqual({ subject: 'ann', label: null })
    expect(() => session.renew({ withoutSubject: 1 as never })).toThrow('withoutSubject')
  })

  it('S7: keeps the subject that was loaded until the commit, and forgets a sign-in by discard', () => {
    const { session, control } = create()
    session.signIn('ann')
    expect(session.subject).toBe('zoë')
    session.renew()
    expect(control.asked).toMatchObject({ intent: 'sign-in', signIn: { subject: 'ann' } })
    session.discard()
    expect(control.asked).toMatchObject({ intent: 'discard', signIn: null })
  })

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['257 characters', 'x'.repeat(257)],
    ['NUL', 'a\0b'],
    ['half a surrogate pair', 'a\ud800'],
    ['a number', 42],
    ['null or undefined', undefined],
    ['an object', { id: 1 }],
  ])('refuses %s as subject and as label, and keeps what was there', (_kind, value) => {
    const { session, control } = create()
    const refusal = (name: string): SessionError =>
      new SessionError(
        'unsupported-value',
        `session.signIn: the ${name} must be 1 to 256 characters of text without NUL`,
      )
    const subject = value as string
    expect(() => session.signIn(subject)).toThrow(refusal('subject'))
    if (value === undefined) expect(() => session.signIn(null as never)).toThrow(refusal('subject'))
    else expect(() => session.signIn('ann', { label: subject })).toThrow(refusal('label'))
    expect(control.asked).toMatchObject({ intent: 'keep', signIn: null })
  })

  it('S29: takes what the browser is to forget at a sign-out, and refuses what is no such thing', () => {
    const { session, control } = create()
    expect(control.asked.clearSiteData).toBeNull()
    expect(() => session.destroy({ clearSiteData: ['cash' as 'cache'] })).toThrow(TypeError)
    expect(control.asked.intent).toBe('keep')
    session.destroy({ clearSiteData: ['cache', 'storage'] })
    expect(control.asked).toMatchObject({ intent: 'destroy', clearSiteData: '"cache", "storage"' })
  })
})

describe('the root that forms derive from', () => {
  it('S52: is the loaded one, until the session is renewed', () => {
    const { session, control } = create()
    expect(control.rootForForms()).toBe(control.start.record?.root)
    expect(control.newRoot).toBeNull()
    session.renew()
    const root = control.rootForForms()
    expect(root).toEqual(new Uint8Array(rootLength).fill(9))
    expect(control.newRoot).toBe(root)
    expect(control.rootForForms()).toBe(root)
  })

  it('S52: is a new one for a new session, the same for the whole request', () => {
    const { control } = create(nothing)
    const root = control.rootForForms()
    expect(root).toHaveLength(rootLength)
    expect(control.freshRoot()).toBe(root)
  })
})
