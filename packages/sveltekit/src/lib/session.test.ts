import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { describe, expect, it } from 'vitest'
import { tracedSessions } from '../../test/traced-sessions.ts'
import { commit, discard, getSession, saveLate } from './session.ts'
import type { SessionEvent } from './session.ts'
import { startVisit } from './visit.ts'

type Data = Partial<Record<string, unknown>>

const request = new Request('https://app.example/')

function visitor(): { event: SessionEvent<Data>; calls: string[] } {
  const { sessions, calls } = tracedSessions()
  return { event: { locals: { session: startVisit(sessions, request, false) } }, calls }
}

describe('outside the hook', () => {
  const bare = { locals: {} } as SessionEvent<Data>

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

describe('discard', () => {
  it('makes no trip when nobody asked for the session', async () => {
    const { event, calls } = visitor()
    discard(event)
    await event.locals.session.end()
    expect(calls).toEqual([])
  })

  it('drops what was changed', async () => {
    const { event } = visitor()
    ;(await getSession(event)).data['visits'] = 1
    discard(event)
    expect(await commit(event)).toEqual({ outcome: 'discarded' })
  })

  it('throws nothing after a commit that failed late, and drops the changes', async () => {
    const store = { ...memoryStore(), create: () => Promise.reject(new Error('away')) }
    const sessions = createSessions<Record<string, unknown>>({
      store,
      unavailable: 'throw',
      secrets: 'none',
    })
    const event = { locals: { session: startVisit(sessions, request, false) } }
    ;(await getSession(event)).data['visits'] = 1
    await expect(commit(event)).rejects.toMatchObject({ code: 'unavailable' })
    discard(event)
    expect(await event.locals.session.end()).toMatchObject({ outcome: 'discarded', cookie: null })
  })

  it('does nothing, and throws nothing, once the session is saved', async () => {
    const { event, calls } = visitor()
    ;(await getSession(event)).data['visits'] = 1
    await commit(event)
    discard(event)
    expect(calls).toEqual(['open', 'commit'])
  })
})

describe('saveLate', () => {
  it('is in time before the save: no second session is opened', async () => {
    const { event, calls } = visitor()
    expect(await saveLate(event, (data) => void (data['visits'] = 1))).toBeNull()
    expect(await commit(event)).toEqual({ outcome: 'created' })
    expect(calls).toEqual(['open', 'commit'])
  })

  it('opens the session that the request began, and saves into it', async () => {
    const { event } = visitor()
    ;(await getSession(event)).data['visits'] = 1
    await commit(event)
    expect(await saveLate(event, (data) => void (data['visits'] = 2))).toBe('saved')
    expect(await saveLate(event, () => {})).toBe('unchanged')
  })

  it('throws what the change throws, and saves nothing', async () => {
    const { event, calls } = visitor()
    ;(await getSession(event)).data['visits'] = 1
    await commit(event)
    const change = (): never => {
      throw new Error('planted')
    }
    await expect(saveLate(event, change)).rejects.toThrow('planted')
    expect(calls).toEqual(['open', 'commit', 'open'])
  })

  it('is refused after a destroy of the request itself', async () => {
    const { event } = visitor()
    const session = await getSession(event)
    session.data['visits'] = 1
    session.destroy()
    await commit(event)
    await expect(saveLate(event, () => {})).rejects.toMatchObject({ code: 'read-only' })
  })
})
