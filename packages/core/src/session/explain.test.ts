import { describe, expect, it } from 'vitest'
import { createSessions } from '../sessions/sessions.ts'
import { memoryStore } from '../store/memory-store.ts'
import { blankRecord } from '../store/record.ts'
import type { AskedFor, SessionStart } from './asked-for.ts'
import { explain } from './explain.ts'

const keep: AskedFor = { intent: 'keep', reauthenticated: false, signIn: null, clearSiteData: null }
const token = 'A'.repeat(43)
const nothing = { state: 'nothing', id: null, record: null, cookieName: 'sid' } as const
const begins = 'A change begins a session.'
const kept = 'Changes are not saved. The cookie stays.'

describe('explain', () => {
  it.each<[string, SessionStart, string]>([
    ['no cookie', nothing, `new: the request has no session cookie. ${begins}`],
    [
      'another cookie',
      { ...nothing, source: 'theme=dark' },
      'new: the request has no session cookie',
    ],
    [
      'two cookies',
      { ...nothing, source: 'sid=a; sid=b' },
      'new: the request has two different session',
    ],
    [
      'no token',
      { ...nothing, source: 'sid=abc' },
      'new: the value of the session cookie is not a token',
    ],
    [
      'an unknown token',
      { ...nothing, source: `sid=${token}` },
      'new: the store has no session for this',
    ],
    [
      'an old session',
      { ...nothing, why: 'ended' },
      'new: the session has passed its absolute end',
    ],
    [
      'a revoked one',
      { ...nothing, why: 'revoked' },
      "new: the session is not in its account's list",
    ],
    [
      'a sign-out',
      { ...nothing, state: 'unreadable', why: 'signing-out' },
      'new: the store has not confirmed a sign-out of the',
    ],
    ['a damaged record', { ...nothing, state: 'unreadable' }, 'new: the record cannot be opened'],
    ['refused data', { ...nothing, state: 'unreadable', why: 'schema' }, 'new: the schema refuses'],
    ['a secret', { ...nothing, state: 'unknown-secret' }, `in \`secrets\`. ${kept}`],
    ['a moved token', { ...nothing, state: 'moved' }, `has the old one. ${kept}`],
    [
      'no proof of a bound device',
      { ...nothing, state: 'unproven', device: 'stale' },
      `unproven: it is bound to a device, and the request carries no fresh proof of it (deviceBound). ${kept}`,
    ],
    [
      'a bound device',
      { state: 'live', id: 'x', record: blankRecord(0, new Uint8Array(16)), device: 'bound' },
      'without an account, with a fresh proof of its device. A change is saved.',
    ],
    [
      'an outage',
      { ...nothing, state: 'unavailable' },
      `unavailable: the store did not answer. ${kept}`,
    ],
    ['plain http', { ...nothing, state: 'unavailable', why: 'insecure' }, 'came over plain http'],
    [
      'a newer version',
      { ...nothing, state: 'unavailable', why: 'newer-version' },
      'a newer version',
    ],
    [
      'a migration',
      { ...nothing, state: 'unavailable', why: 'migration' },
      'migrate.up has thrown',
    ],
  ])('says why for %s', (_what, start, text) => {
    expect(explain(start, keep)).toContain(text)
  })

  it.each([
    ['renew', ' session.renew() gives it'],
    ['sign-in', ' session.signIn() gives it'],
    ['destroy', ' session.destroy() ends it'],
    ['discard', ' session.discard() drops'],
  ] as const)('says what %s asks for', (intent, text) => {
    expect(explain(nothing, { ...keep, intent })).toContain(text)
  })

  it('says since when a session is live, and whether it is signed in', () => {
    const record = blankRecord(0, new Uint8Array(16))
    const owner = { subject: 'the account', listId: 'the list', ref: 'the ref' }
    const start = { state: 'live', id: 'the id', record } as const
    expect(explain(start, keep)).toBe(
      'live: a session of 1970-01-01T00:00:00.000Z, without an account. A change is saved.',
    )
    expect(explain({ ...start, record: { ...record, owner, isPersistent: true } }, keep)).toBe(
      'live: a session of 1970-01-01T00:00:00.000Z, signed in, to be remembered. A change is saved.',
    )
  })

  it('says of each request what has happened to it', async () => {
    const sessions = createSessions({ store: memoryStore(), onEvent() {} })
    const why = async (cookie: string | null): Promise<string> =>
      (await sessions.open(cookie)).session.explain()
    const signIn = async (from: string | null = null): Promise<string> => {
      const { session, commit } = await sessions.open(from)
      session.signIn('the account')
      const { cookie } = await commit()
      return `${cookie?.name}=${cookie?.value}`
    }
    const first = await signIn()
    expect(await why(null)).toContain('no session cookie')
    expect(await why(`__Host-Http-sid=${token}`)).toContain('no session for this token')
    expect(await why(first)).toMatch(/^live: .*, signed in\./)
    const second = await signIn(first)
    expect(await why(first)).toContain('has the old one')
    await sessions.revoke('the account')
    expect(await why(second)).toContain("not in its account's list")
    const third = await signIn()
    const { session, commit } = await sessions.open(third)
    session.destroy()
    expect(session.explain()).toMatch(/session\.destroy\(\) ends it at commit\.$/)
    await commit()
    expect(await why(third)).toContain('it ended')
  })
})
