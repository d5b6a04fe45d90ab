import { afterEach, expect, it, vi } from 'vitest'
import { Unconfirmed } from './unconfirmed.ts'

afterEach(() => void vi.useRealTimers())

it('knows a write as unconfirmed for longer than a sign-out is tried again, if no replica comes back', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const unconfirmed = new Unconfirmed()
  unconfirmed.add('a')
  vi.advanceTimersByTime(2 * 3_600_000)
  expect(unconfirmed.has('a')).toBe(true)
  vi.advanceTimersByTime(2 * 3_600_000)
  expect(unconfirmed.has('a')).toBe(false)
})
