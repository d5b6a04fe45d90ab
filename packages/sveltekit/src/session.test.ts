import { describe, expect, it } from 'vitest'
import type { Data } from '../test/traced-sessions.ts'
import { pageUrl, tracedSessions } from '../test/traced-sessions.ts'
import { commit, discard, getSession, saveLate } from './session.ts'
import type { EventWithSession } from './session.ts'

interface Visit {
  readonly event: EventWithSession<Data>
  readonly calls: readonly string[]
  readonly stop: () => void
}

/** The event of a visitor's first request. */
function newVisitor(options: Parameters<typeof tracedSessions>[0] = {}): Visit {
  const { sessions, calls, stop } = tracedSessions(options)
  return { event: { locals: { session: sessions.lazy(new Request(pageUrl)) } }, calls, stop }
}

describe('outside the hook', () => {
  const bare = { locals: {} } as EventWithSession<Data>

  it('getSession, commit and saveLate say what to add where', async () => {
    const advice = /\(event\): add createHandle\(sessions\) to src\/hooks\.server\.ts/
    await expect(getSession(bare)).rejects.toThrow(advice)
    await expect(commit(bare)).rejects.toThrow(advice)
    await expect(saveLate(bare, () => {})).rejects.toThrow(advice)
    await expect(getSession(bare)).rejects.toThrow(/^getSession\(event\)/)
  })

  it('discard does nothing, because handleError must never throw', () => {
    expect(() => discard(bare)).not.toThrow()
  })
})

describe('without await', () => {
  it('a guard throws, and lets no visitor in', async () => {
    const { event } = newVisitor()
    const session = getSession(event) as unknown as { subject: string | null }
    expect(() => session.subject === null).toThrow('(await …).subject')
    const saving = commit(event)
    expect(() => (saving as unknown as { failure: object | null }).failure).toThrow(
      '(await …).failure',
    )
    await saving
  })
})

describe('commit', () => {
  it('returns the outcome and the failure, and not the cookie, which is a secret', async () => {
    const { event } = newVisitor()
    ;(await getSession(event)).data['visits'] = 1
    expect(await commit(event)).toEqual({ outcome: 'created', failure: null })
  })

  it('says what was asked for if it was not done', async () => {
    const { event, stop } = newVisitor()
    ;(await getSession(event)).signIn('ada')
    stop()
    const failure = { outcome: 'unavailable', asked: 'sign-in' }
    expect(await commit(event)).toEqual({ outcome: 'unavailable', failure })
  })
})

describe('discard', () => {
  it('makes no trip if the session was never asked for', async () => {
    const { event, calls } = newVisitor()
    discard(event)
    await event.locals.session.end()
    expect(calls).toEqual([])
  })

  it('drops the changes', async () => {
    const { event, calls } = newVisitor()
    ;(await getSession(event)).data['visits'] = 1
    discard(event)
    expect(await commit(event)).toEqual({ outcome: 'discarded', failure: null })
    expect(calls).toEqual(['discarded'])
  })

  it('throws nothing after a commit that failed late, and drops the changes', async () => {
    const { event, stop } = newVisitor({ unavailable: 'throw' })
    ;(await getSession(event)).data['visits'] = 1
    stop()
    await expect(commit(event)).rejects.toMatchObject({ code: 'unavailable' })
    discard(event)
    expect(await event.locals.session.end()).toMatchObject({ outcome: 'discarded', cookie: null })
  })

  it('does nothing, and throws nothing, once the session is saved', async () => {
    const { event, calls } = newVisitor()
    ;(await getSession(event)).data['visits'] = 1
    await commit(event)
    discard(event)
    expect(calls).toEqual(['create', 'created'])
  })
})

describe('saveLate', () => {
  it('is in time before the save: no second session is opened', async () => {
    const { event, calls } = newVisitor()
    expect(await saveLate(event, (data) => void (data['visits'] = 1))).toBeNull()
    expect(await commit(event)).toMatchObject({ outcome: 'created' })
    expect(calls).toEqual(['create', 'created'])
  })

  it('opens the session that the request began, and saves into it', async () => {
    const { event } = newVisitor()
    ;(await getSession(event)).data['visits'] = 1
    await commit(event)
    expect(await saveLate(event, (data) => void (data['visits'] = 2))).toBe('saved')
    expect(await saveLate(event, () => {})).toBe('unchanged')
  })

  it('throws what the change throws, and saves nothing', async () => {
    const { event, calls } = newVisitor()
    ;(await getSession(event)).data['visits'] = 1
    await commit(event)
    const change = (): never => {
      throw new Error('planted')
    }
    await expect(saveLate(event, change)).rejects.toThrow('planted')
    expect(calls).toEqual(['create', 'created', 'load'])
  })

  it('is refused after a destroy of the request itself', async () => {
    const { event } = newVisitor()
    const session = await getSession(event)
    session.data['visits'] = 1
    session.destroy()
    await commit(event)
    await expect(saveLate(event, () => {})).rejects.toMatchObject({ code: 'read-only' })
  })
})
