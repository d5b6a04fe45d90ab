import { createSessions } from '@coatcheck/core'
import type { Committed, Session, SessionEvent, Sessions, SessionsOptions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'
import { createVisitor, increment } from '../visitor.ts'
import type { Visitor } from '../visitor.ts'
import { through } from './stores.ts'

type Data = Record<string, unknown>

const secrets = ['a secret of thirty-two bytes, or so']
const name = '__Host-Http-sid'

/** A visitor with a session, and the events since it began. */
async function setUp(options: Partial<SessionsOptions<Data>> = {}): Promise<{
  readonly sessions: Sessions<Data>
  readonly visitor: Visitor
  readonly told: () => readonly SessionEvent[]
  readonly fail: (isDown: boolean) => void
  /** How the next save ends, whatever is stored. */
  readonly answerSaves: (result: 'conflict') => void
  readonly commit: (act: (session: Session<Data>) => void, cookie?: string) => Promise<Committed>
}> {
  const events: SessionEvent[] = []
  let isDown = false
  let saves: 'conflict' | null = null
  const records = through(memoryStore(), () => {
    if (isDown)
      throw Object.assign(new Error('the answers do not fit the questions'), {
        code: 'unavailable',
      })
  })
  const sessions = createSessions<Data>({
    store: { ...records, save: async (...args) => saves ?? (await records.save(...args)) },
    secrets,
    testing: { wait: async () => {} },
    onEvent: (event) => events.push(event),
    ...options,
  })
  const visitor = createVisitor(sessions)
  await visitor.visit(increment)
  events.length = 0
  return {
    sessions,
    visitor,
    told: () => events,
    fail: (down) => void (isDown = down),
    answerSaves: (result) => void (saves = result),
    async commit(act, cookie = visitor.cookie) {
      const opened = await sessions.open(cookie)
      act(opened.session)
      return opened.commit()
    },
  }
}

const idPrefix = expect.stringMatching(/^[\w-]{8}$/)

describe('an event, emitted once', () => {
  it('S34: token.malformed', async () => {
    const { sessions, told } = await setUp()
    await sessions.open(`${name}=x`)
    expect(told()).toEqual([{ type: 'token.malformed' }])
  })

  it('S34: token.duplicate', async () => {
    const { sessions, visitor, told } = await setUp()
    await sessions.open(`${visitor.cookie}; ${name}=${'A'.repeat(43)}`)
    expect(told()).toEqual([{ type: 'token.duplicate' }])
  })

  it('S34: token.unknown', async () => {
    const { sessions, told } = await setUp()
    await sessions.open(`${name}=${'A'.repeat(43)}`)
    expect(told()).toEqual([{ type: 'token.unknown', idPrefix }])
  })

  it('S34: record.unreadable', async () => {
    const store = through(memoryStore(), () => {})
    const first = await setUp({ store })
    const second = await setUp({ store, secrets: ['another secret, of thirty-two bytes'] })
    await second.sessions.open(first.visitor.cookie)
    const event = { type: 'record.unreadable', idPrefix }
    expect(second.told()).toEqual([{ ...event, reason: 'unknown-secret' }])
    const { id } = (await first.sessions.open(first.visitor.cookie)).session
    const stored = await store.load(id as string)
    const bytes = stored!.bytes.with(-1, stored!.bytes.at(-1)! ^ 1)
    await store.save(id as string, bytes, Date.now() + 60_000, stored!.version)
    first.told()
    await first.sessions.open(first.visitor.cookie)
    expect(first.told()).toEqual([{ ...event, reason: 'damaged' }])
  })

  it('S34: store.failed, for a store that is down and for one whose answers make no sense', async () => {
    const { sessions, visitor, told, fail } = await setUp()
    fail(true)
    await sessions.open(visitor.cookie)
    expect(told()).toEqual([
      { type: 'store.failed', idPrefix, operation: 'load', error: expect.any(Error) },
    ])
  })

  it('S34: a commit that ended as conflict', async () => {
    const { told, answerSaves, commit } = await setUp()
    answerSaves('conflict')
    await commit(increment)
    expect(told()).toEqual([{ type: 'commit', idPrefix, outcome: 'conflict', tries: 16 }])
  })

  it('S34: a commit that ended as gone', async () => {
    const { sessions, visitor, told, commit } = await setUp()
    const late = await sessions.open(visitor.cookie)
    await commit((session) => session.destroy())
    late.session.data['late'] = true
    await late.commit()
    const outcomes = told().map((event) => event.type === 'commit' && event.outcome)
    expect(outcomes).toEqual(['destroyed', 'gone'])
  })

  it('S34: a logout that ended as unconfirmed', async () => {
    const { sessions, visitor, told, fail } = await setUp({
      testing: { wait: () => new Promise(() => {}) },
    })
    const { session, commit } = await sessions.open(visitor.cookie)
    session.destroy()
    fail(true)
    await commit()
    const [first, second, ...more] = told()
    expect(first).toMatchObject({ type: 'store.failed', operation: 'delete' })
    // Whether it was done is asked before it is tried again.
    expect(second).toMatchObject({ type: 'store.failed', operation: 'load' })
    expect(more).toEqual([{ type: 'commit', idPrefix, outcome: 'unconfirmed', tries: 2 }])
  })

  it('S34: session.too-large, of one that is stored and of a new one', async () => {
    const { told, commit } = await setUp({ maxBytes: 2000 })
    const grow = (session: Session<Data>): void => void (session.data['large'] = 'x'.repeat(2000))
    await expect(commit(grow)).rejects.toMatchObject({ code: 'too-large' })
    await expect(commit(grow, '')).rejects.toMatchObject({ code: 'too-large' })
    expect(told()).toEqual([
      { type: 'session.too-large', idPrefix },
      { type: 'session.too-large', idPrefix: null },
    ])
  })

  it('S34: session.too-large, if what others saved meanwhile fills it', async () => {
    const { sessions, visitor, told, commit } = await setUp({ maxBytes: 2000 })
    const late = await sessions.open(visitor.cookie)
    await commit(({ data }) => void (data['theirs'] = 'x'.repeat(1000)))
    late.session.data['ours'] = 'x'.repeat(1000)
    await expect(late.commit()).rejects.toMatchObject({ code: 'too-large' })
    expect(told().filter(({ type }) => type === 'session.too-large')).toHaveLength(1)
  })

  it('S34, S60: cache.override', async () => {
    const { sessions, visitor, told } = await setUp()
    const request = new Request('https://app.example/', { headers: { Cookie: visitor.cookie } })
    const headers = { 'Cache-Control': 'public, max-age=600' }
    await sessions.handle(request, (session) => Response.json(session.data, { headers }))
    expect(told()).toEqual([{ type: 'cache.override' }])
  })
})

describe('the event fixation.risk', () => {
  const signIn = (session: Session<Data>): void => void (session.data['user'] = 'ann')
  const risks = (events: readonly SessionEvent[]): readonly SessionEvent[] =>
    events.filter(({ type }) => type === 'fixation.risk')

  it('S46: is emitted when a sign-in keeps the token from before', async () => {
    const { told, commit } = await setUp({ authKeys: ['user', 'mfa'] })
    await commit(signIn)
    expect(risks(told())).toEqual([{ type: 'fixation.risk', idPrefix, key: 'user' }])
    await commit(({ data }) => void (data['mfa'] = true))
    expect(risks(told())).toHaveLength(2)
  })

  it('S46: is not emitted if the same request gives a new token, or if there was no token', async () => {
    const { told, visitor, commit, sessions } = await setUp({ authKeys: ['user'] })
    await createVisitor(sessions).visit(signIn)
    await commit((session) => {
      signIn(session)
      session.discard()
    })
    await visitor.visit((session) => {
      signIn(session)
      session.renew()
    })
    await visitor.visit((session) => void (session.data['user'] = 'ann again'))
    await visitor.visit((session) => void delete session.data['user'])
    await visitor.visit((session) => {
      signIn(session)
      session.signIn('ann')
    })
    expect(risks(told())).toEqual([])
  })

  it('S46: is emitted for a rotation too, which is no sign-in', async () => {
    let ahead = 0
    const { told, visitor } = await setUp({
      authKeys: ['user'],
      lifetime: { rotate: 60 },
      testing: { now: () => Date.now() + ahead },
    })
    ahead = 61_000
    await visitor.visit(signIn)
    expect(risks(told())).toHaveLength(1)
  })

  it('S46: is not emitted without authKeys', async () => {
    const { told, commit } = await setUp()
    await commit(signIn)
    expect(risks(told())).toEqual([])
  })
})

describe('Clear-Site-Data', () => {
  const clearSiteData = ['cache', 'storage'] as const
  const leave = (session: Session<Data>): void => session.destroy({ clearSiteData })

  it('S29: is sent with the logout that asks for it, and with no other', async () => {
    for (const [act, value] of [
      [leave, '"cache", "storage"'],
      [(session: Session<Data>) => session.destroy(), null],
      [increment, null],
    ] as const) {
      const { commit } = await setUp()
      const committed = await commit(act)
      expect(committed.clearSiteData).toBe(value)
      expect(committed.applyTo(new Response()).headers.get('Clear-Site-Data')).toBe(value)
    }
  })

  it('S29: is sent with a logout from a session that has ended already', async () => {
    const { commit } = await setUp()
    const { outcome, clearSiteData: value } = await commit(leave, '')
    expect([outcome, value]).toEqual(['unchanged', '"cache", "storage"'])
  })

  it('S29: waits for the store to confirm the end', async () => {
    const { sessions, visitor, fail } = await setUp({
      testing: { wait: () => new Promise(() => {}) },
    })
    const { session, commit } = await sessions.open(visitor.cookie)
    leave(session)
    fail(true)
    expect(await commit()).toMatchObject({ outcome: 'unconfirmed', clearSiteData: null })
  })
})
