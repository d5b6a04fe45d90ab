import { describe, expect, it } from 'vitest'
import { SessionError } from '../errors.ts'
import type { Found } from '../rules/next-step.ts'
import { createSession } from './session.ts'
import type { Session, SessionFacts, SessionHandle, Wishes } from './session.ts'

const live: SessionFacts = {
  found: 'live',
  id: 'the-id',
  createdAt: 1000,
  renewedAt: 2000,
  subject: 'zoë',
}

function create(facts: Partial<SessionFacts> = {}, now = 0): SessionHandle<{ a?: number }> {
  return createSession({ a: 1 }, { ...live, ...facts }, () => now)
}

const nothing: Partial<SessionFacts> = { id: null, createdAt: null, renewedAt: null, subject: null }

describe('a session', () => {
  it('says what was found, as far as an app has to know it', () => {
    const states = (['nothing', 'live', 'unreadable', 'unavailable'] as const).map(
      (found: Found) => create({ found }).session.state,
    )
    expect(states).toEqual(['new', 'live', 'new', 'unavailable'])
  })

  it('cannot have anything replaced', () => {
    const { session } = create()
    const open = session as unknown as Record<string, unknown>
    const names = ['data', 'id', 'state', 'createdAt', 'renewedAt', 'renew', 'destroy', 'discard']
    expect(() => {
      open['more'] = 1
    }).toThrow(TypeError)
    for (const name of [...names, 'requireFresh']) {
      expect(() => {
        open[name] = 1
      }).toThrow(TypeError)
      expect(() => {
        delete open[name]
      }).toThrow(TypeError)
    }
    expect(Object.isFrozen(session)).toBe(true)
    expect(Object.isFrozen(session.data)).toBe(false)
  })

  it('has the id that it was loaded under, until a commit gives it another, or none', () => {
    const { session, rename } = create()
    expect(session.id).toBe('the-id')
    rename('the-next')
    expect(session.id).toBe('the-next')
    rename(null)
    expect(session.id).toBeNull()
    expect(create(nothing).session.id).toBeNull()
  })

  it('works when its methods are taken off it', () => {
    const { session, wishes } = create()
    const { destroy } = session
    destroy()
    expect(wishes().intent).toBe('destroy')
  })
})

describe('what a session tells of itself', () => {
  it('is when it began and was renewed, and whose it is', () => {
    const { session } = create()
    expect(session.createdAt).toEqual(new Date(1000))
    expect(session.renewedAt).toEqual(new Date(2000))
    expect(session.subject).toBe('zoë')
    session.createdAt?.setTime(0)
    expect(session.createdAt).toEqual(new Date(1000))
    const { session: fresh } = create({ ...nothing, found: 'nothing' })
    expect([fresh.createdAt, fresh.renewedAt, fresh.subject]).toEqual([null, null, null])
    expect(fresh.label).toBeNull()
  })

  it.each<[string, (session: Session<{ a?: number }>) => unknown]>([
    ['data', ({ data }) => data],
    ['id', ({ id }) => id],
    ['state', ({ state }) => state],
    ['createdAt', ({ createdAt }) => createdAt],
    ['renewedAt', ({ renewedAt }) => renewedAt],
    ['subject', ({ subject }) => subject],
    ['requireFresh', (session) => session.requireFresh(10)],
    ['data, by spreading', (session) => ({ ...session })],
    ['data, as JSON', (session) => JSON.stringify(session)],
  ])('S61: counts as looked at once somebody asks for %s', (_name, look) => {
    const { session, touched } = create()
    expect(touched()).toBe(false)
    look(session)
    expect(touched()).toBe(true)
  })

  it('S61: does not count as looked at by what is asked of it', () => {
    const { session, touched } = create()
    session.renew()
    session.discard()
    session.destroy()
    session.subject = 'other'
    session.label = 'Firefox'
    expect(touched()).toBe(false)
  })
})

describe('requireFresh', () => {
  const stale = new SessionError(
    'not-fresh',
    'The visitor signed in too long ago for this: have them sign in again, ' +
      'and call session.renew()',
  )

  it('S15: passes while the sign-in is at most so many seconds ago', () => {
    expect(() => create({}, 2000 + 60_000).session.requireFresh(60)).not.toThrow()
    expect(() => create({}, 2000 + 60_001).session.requireFresh(60)).toThrow(stale)
    expect(() => create({}, 2000).session.requireFresh(0)).not.toThrow()
    expect(() => create({}, 1e15).session.requireFresh(Infinity)).not.toThrow()
  })

  it('S15: throws where nobody ever signed in', () => {
    expect(() => create({ renewedAt: null }).session.requireFresh(Infinity)).toThrow(stale)
    const { session } = create({ ...nothing, found: 'unavailable' })
    expect(() => session.requireFresh(60)).toThrow(stale)
  })

  it.each([Number.NaN, -1, undefined, 'soon'])('refuses %s for a number of seconds', (seconds) => {
    expect(() => create().session.requireFresh(seconds as number)).toThrow(
      new TypeError('session.requireFresh: give a number of seconds'),
    )
  })
})

describe('what is asked of a session', () => {
  const asks = ['renew', 'destroy', 'discard'] as const

  it.each<[Wishes['intent'], string]>([
    ['keep', ''],
    ['renew', 'renew'],
    ['discard', 'discard'],
    ['destroy', 'destroy'],
    ['renew', 'renew renew'],
    ['discard', 'renew discard'],
    ['renew', 'discard renew'],
    ['renew', 'renew discard renew'],
    ['destroy', 'renew destroy'],
    ['destroy', 'destroy renew'],
    ['destroy', 'destroy discard'],
    ['destroy', 'discard destroy renew discard'],
  ])('is to %s after: %s', (expected, calls) => {
    const { session, wishes } = create()
    for (const call of calls.split(' ').filter(Boolean)) session[call as 'renew']()
    expect(wishes().intent).toBe(expected)
  })

  it.each(asks)('T20: %s is refused once the session is closed, and changes nothing', (name) => {
    const { session, wishes, close } = create()
    close((what) => {
      throw new SessionError('committed', `${what} comes too late`)
    })
    expect(() => session[name]()).toThrow(
      new SessionError('committed', `session.${name}() comes too late`),
    )
    expect(wishes().intent).toBe('keep')
  })

  it('keeps what was asked for before it was closed, and can be closed for another reason', () => {
    const { session, wishes, close } = create()
    session.renew()
    for (const reason of ['first', 'second']) {
      close(() => {
        throw new SessionError('read-only', reason)
      })
      expect(() => session.destroy()).toThrow(new SessionError('read-only', reason))
    }
    expect(wishes().intent).toBe('renew')
  })

  it('S9: begins the absolute lifetime anew only where the last renew said so', () => {
    const { session, wishes } = create()
    expect(wishes().reauthenticated).toBe(false)
    session.renew({ reauthenticated: true })
    expect(wishes()).toMatchObject({ intent: 'renew', reauthenticated: true })
    session.renew({})
    expect(wishes()).toMatchObject({ intent: 'renew', reauthenticated: false })
  })

  it('S11: takes a subject and a label of 1 to 256 characters, or null', () => {
    const { session, wishes } = create()
    expect(wishes()).toMatchObject({ subject: 'zoë', label: null })
    session.subject = 'x'.repeat(256)
    session.label = 'Firefox on 🐧'
    expect(wishes()).toMatchObject({ subject: 'x'.repeat(256), label: 'Firefox on 🐧' })
    expect(session.subject).toBe('x'.repeat(256))
    session.subject = null
    session.label = null
    expect(wishes()).toMatchObject({ subject: null, label: null })
  })

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['257 characters', 'x'.repeat(257)],
    ['NUL', 'a\0b'],
    ['half a surrogate pair', 'a\ud800'],
    ['a number', 42],
    ['undefined', undefined],
    ['an object', { id: 1 }],
  ])('refuses %s as subject and as label, and keeps what was there', (_kind, value) => {
    const { session, wishes } = create()
    for (const name of ['subject', 'label'] as const) {
      expect(() => {
        session[name] = value as string
      }).toThrow(
        new SessionError(
          'unsupported-value',
          `session.${name} must be null or 1 to 256 characters of text without NUL`,
        ),
      )
    }
    expect(wishes()).toMatchObject({ subject: 'zoë', label: null })
  })

  it('T20: refuses a subject and a label once the session is closed', () => {
    const { session, wishes, close } = create()
    close((what) => {
      throw new SessionError('committed', `${what} comes too late`)
    })
    for (const name of ['subject', 'label'] as const) {
      expect(() => {
        session[name] = 'other'
      }).toThrow(new SessionError('committed', `Assigning session.${name} comes too late`))
    }
    expect(wishes()).toMatchObject({ subject: 'zoë', label: null })
  })
})
