import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Alarm } from './alarm.ts'
import { hold, loopTime, release } from './loop-clock.ts'
import { withDeadline } from './with-deadline.ts'

const faked = ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] as const

beforeEach(() => {
  vi.useFakeTimers({ toFake: [...faked] })
  // The clock begins anew with the fake one.
  hold()
  release()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** From now on the process has worked for so long that no timer ran meanwhile. */
function stall(milliseconds: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds)
}

describe('the clock of deadlines', () => {
  test('is an ordinary clock where the event loop turns', () => {
    hold()
    const begun = loopTime()
    vi.advanceTimersByTime(1000)
    expect(loopTime() - begun).toBe(1000)
    release()
    vi.advanceTimersByTime(1000)
    expect(loopTime() - begun).toBe(2000)
  })

  test('counts a stall as the time of one look', () => {
    hold()
    vi.advanceTimersByTime(100)
    const begun = loopTime()
    stall(2000)
    expect(loopTime() - begun).toBe(30)
    vi.advanceTimersByTime(100)
    expect(loopTime() - begun).toBe(30 + 75)
    release()
  })

  test('never goes back, however it is held and released', () => {
    let last = loopTime()
    for (const step of [hold, release, hold, hold, release, release]) {
      step()
      vi.advanceTimersByTime(10)
      expect(loopTime() - last).toBe(10)
      last = loopTime()
    }
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('an alarm', () => {
  test('rings at its time, once', () => {
    const ring = vi.fn()
    const alarm = new Alarm(ring)
    alarm.set(loopTime() + 250)
    vi.advanceTimersByTime(249)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(alarm.isSet).toBe(false)
    vi.advanceTimersByTime(1000)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('lets the loop look at its sockets before it rings', () => {
    const ring = vi.fn()
    const alarm = new Alarm(ring)
    alarm.set(loopTime() + 10)
    vi.advanceTimersToNextTimer()
    expect(ring).not.toHaveBeenCalled()
    alarm.clear()
    vi.advanceTimersByTime(100)
    expect(ring).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('grants what a stall has taken', () => {
    const ring = vi.fn()
    const alarm = new Alarm(ring)
    alarm.set(loopTime() + 250)
    vi.advanceTimersByTime(200)
    stall(2000)
    vi.advanceTimersByTime(40)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(15)
    expect(ring).toHaveBeenCalledTimes(1)
  })

  test('can be put off', () => {
    const ring = vi.fn()
    const alarm = new Alarm(ring)
    alarm.set(loopTime() + 10)
    alarm.set(loopTime() + 100)
    vi.advanceTimersByTime(99)
    expect(ring).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2)
    expect(ring).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a deadline ends work that takes longer, and leaves no timer', async () => {
  const late = expect(withDeadline(50, new Promise(() => {}), true)).rejects.toMatchObject({
    code: 'unavailable',
    sent: true,
  })
  await vi.advanceTimersByTimeAsync(51)
  await late
  expect(await withDeadline(50, Promise.resolve('done'), true)).toBe('done')
  await expect(withDeadline(50, Promise.reject(new Error('No')), true)).rejects.toThrow('No')
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
})
