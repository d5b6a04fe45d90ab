import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RequestSession } from './request-session.ts'
import { shareByName } from './shared.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const sessions = createSessions({ store: memoryStore() })
const shared = shareByName('handover-test', () => sessions)

/** What a proxy leaves that has loaded the session. */
async function loaded(cookies: string | null): Promise<RequestSession> {
  const session = new RequestSession(shared.sessions, cookies)
  await session.read()
  return session
}

it('gives what was left, once', async () => {
  const session = await loaded('sid=1')
  const name = shared.leave(session)
  expect(shared.take(name, 'sid=1')).toBe(session)
  expect(await shared.take(name, 'sid=1').shown()).toBeNull()
})

it('gives nothing to a request with other cookies, or none, and keeps it for the right one', async () => {
  const session = await loaded('sid=1')
  const name = shared.leave(session)
  expect(await shared.take(name, 'sid=2').shown()).toBeNull()
  expect(await shared.take(name, null).shown()).toBeNull()
  expect(shared.take(name, 'sid=1')).toBe(session)
})

it('gives nothing for a name that nothing was left under', async () => {
  for (const name of ['', crypto.randomUUID(), '__proto__']) {
    expect(await shared.take(name, null).shown()).toBeNull()
  }
})

it('gives every session a name of its own', async () => {
  const session = await loaded(null)
  const names = Array.from({ length: 100 }, () => shared.leave(session))
  expect(new Set(names).size).toBe(100)
})

it('forgets after ten seconds what no request asked for', async () => {
  const name = shared.leave(await loaded(null))
  vi.advanceTimersByTime(9_999)
  expect(shared.handovers.has(name)).toBe(true)
  vi.advanceTimersByTime(1)
  expect(shared.handovers.has(name)).toBe(false)
})
