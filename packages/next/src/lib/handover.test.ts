import type { Opened } from '@coatcheck/core'
import { createSessions } from '@coatcheck/core'
import { memoryStore } from '@coatcheck/core/memory'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { leave, take } from './handover.ts'
import { roomOf } from './room.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const sessions = createSessions({ store: memoryStore() })
const room = roomOf('handover-test', () => sessions)

async function opened(): Promise<Opened<object>> {
  return sessions.open(null)
}

it('gives what was left, once', async () => {
  const session = await opened()
  const name = leave(room, { opened: session, cookies: 'sid=1' })
  expect(take(room, name, 'sid=1')).toBe(session)
  expect(take(room, name, 'sid=1')).toBeNull()
})

it('gives nothing to a request with other cookies, or none, and keeps it for the right one', async () => {
  const session = await opened()
  const name = leave(room, { opened: session, cookies: 'sid=1' })
  expect(take(room, name, 'sid=2')).toBeNull()
  expect(take(room, name, null)).toBeNull()
  expect(take(room, name, 'sid=1')).toBe(session)
})

it('gives nothing for a name that nobody left anything under', () => {
  expect(take(room, null, null)).toBeNull()
  expect(take(room, crypto.randomUUID(), null)).toBeNull()
  expect(take(room, '__proto__', null)).toBeNull()
})

it('gives every session a name of its own', async () => {
  const session = await opened()
  const names = Array.from({ length: 100 }, () => leave(room, { opened: session, cookies: null }))
  expect(new Set(names).size).toBe(100)
})

it('forgets after ten seconds what nobody asked for', async () => {
  const name = leave(room, { opened: await opened(), cookies: null })
  vi.advanceTimersByTime(9_999)
  expect(room.handovers.has(name)).toBe(true)
  vi.advanceTimersByTime(1)
  expect(room.handovers.has(name)).toBe(false)
})
