import { describe, expect, it } from 'vitest'
import { answered, fake, refused, start } from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import { createSubjectSessions } from './subject-sessions.ts'
import type { SubjectSessions } from './subject-sessions.ts'
import { enlist, newOwner } from './operations.ts'

/** Puts a session into the list of `zoë`, and gives its ref. */
async function signIn(made: Fake, label: string | null = null): Promise<string> {
  const owner = await newOwner(made.context, 'zoë')
  await made.store.elsewhere(() =>
    enlist(made.context, owner, { createdAt: start, renewedAt: start, seenAt: start, label }),
  )
  return owner.ref
}

function setUp(): { made: Fake; subjects: SubjectSessions } {
  const made = fake()
  return { made, subjects: createSubjectSessions(made.context) }
}

describe('list', () => {
  it('S16: shows the sessions of a subject, with dates, and neither token nor id', async () => {
    const { made, subjects } = setUp()
    const ref = await signIn(made, 'Firefox')
    const all = await subjects.list('zoë')
    const date = new Date(start)
    const times = { createdAt: date, renewedAt: date, seenAt: date }
    expect(all).toEqual([{ ref, ...times, label: 'Firefox', isPersistent: false, isBound: false }])
    expect(await subjects.list('ann')).toEqual([])
  })

  it('shows that a session was never renewed, and has no label', async () => {
    const { made, subjects } = setUp()
    const owner = await newOwner(made.context, 'zoë')
    const listed = { createdAt: 0, renewedAt: null, seenAt: start, label: null }
    const context = { ...made.context, lifetime: { ...made.context.lifetime, absolute: 1e15 } }
    await enlist(context, owner, listed)
    expect(await createSubjectSessions(context).list('zoë')).toEqual([
      {
        ref: owner.ref,
        createdAt: new Date(0),
        renewedAt: null,
        seenAt: new Date(start),
        label: null,
        isPersistent: false,
        isBound: false,
      },
    ])
    expect(await subjects.list('zoë')).toEqual([])
  })

  it('T2: rejects in an outage', async () => {
    const { made, subjects } = setUp()
    made.store.down = true
    await expect(subjects.list('zoë')).rejects.toMatchObject({
      code: 'unavailable',
      status: 503,
      message: 'The session store did not answer: respond with 503',
    })
  })
})

describe('revoke', () => {
  it('S11: ends all, and says whether there were any', async () => {
    const { made, subjects } = setUp()
    await signIn(made)
    expect(await subjects.revoke('zoë')).toBe('revoked')
    expect(await subjects.list('zoë')).toEqual([])
    expect(await subjects.revoke('zoë')).toBe('gone')
    expect(await subjects.revoke('zoë', {})).toBe('gone')
  })

  it('S12: leaves the session of a ref', async () => {
    const { made, subjects } = setUp()
    const [kept] = [await signIn(made), await signIn(made)]
    expect(await subjects.revoke('zoë', { except: { ref: kept } })).toBe('revoked')
    expect((await subjects.list('zoë')).map(({ ref }) => ref)).toEqual([kept])
  })

  it('S12: refuses an exception that names no session, and ends none', async () => {
    const { made, subjects } = setUp()
    await signIn(made)
    for (const except of [{ ref: null }, {}, { ref: 5 }]) {
      await expect(
        subjects.revoke('zoë', { except: except as { ref: string | null } }),
      ).rejects.toThrow(
        'sessions.revoke: except must be a session that was loaded with this subject, not one that signs in now',
      )
    }
    expect(await subjects.list('zoë')).toHaveLength(1)
  })

  it('rule 3: is unconfirmed in an outage and after conflicts', async () => {
    const { made, subjects } = setUp()
    const ref = await signIn(made)
    made.store.fail('delete', refused, refused)
    expect(await subjects.revoke('zoë')).toBe('unconfirmed')
    made.store.fail('save', ...Array.from({ length: 16 }, () => answered('conflict')))
    expect(await subjects.revoke('zoë', { except: { ref } })).toBe('unconfirmed')
  })
})

describe('end', () => {
  it('S16: ends one by its ref, and says whether there was one', async () => {
    const { made, subjects } = setUp()
    const [ended, kept] = [await signIn(made), await signIn(made)]
    expect(await subjects.end('zoë', ended)).toBe('revoked')
    expect(await subjects.end('zoë', ended)).toBe('gone')
    expect((await subjects.list('zoë')).map(({ ref }) => ref)).toEqual([kept])
    made.store.down = true
    expect(await subjects.end('zoë', kept)).toBe('unconfirmed')
  })
})

describe('a subject that is no text', () => {
  it.each([[''], [42], [null], [undefined], [{}]])(
    'is a mistake in the program: %j',
    async (value) => {
      const { made, subjects } = setUp()
      const subject = value as unknown as string
      const message = 'The subject must be the text that was given to session.signIn()'
      await expect(subjects.list(subject)).rejects.toThrow(new TypeError(message))
      await expect(subjects.revoke(subject)).rejects.toThrow(new TypeError(message))
      await expect(subjects.end(subject, 'ref')).rejects.toThrow(new TypeError(message))
      expect(made.commands()).toEqual([])
    },
  )
})
