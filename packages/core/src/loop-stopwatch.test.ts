import { describe, expect, it } from 'vitest'
import { LoopStopwatch, lookEvery } from './loop-stopwatch.ts'

/** A clock that is set by hand, and timers that fire when the test says. */
function fakeTimers() {
  const clock = { now: 1_700_000_000_000 }
  let waiting: (() => void)[] = []
  return {
    clock,
    now: () => clock.now,
    waitIdly: (milliseconds: number) => {
      expect(milliseconds).toBe(lookEvery)
      return new Promise<void>((resolve) => void waiting.push(resolve))
    },
    /** How many timers wait. */
    count: () => waiting.length,
    async fireAfter(milliseconds: number) {
      clock.now += milliseconds
      const due = waiting
      waiting = []
      for (const fire of due) fire()
      for (let hop = 0; hop < 3; hop++) await Promise.resolve()
    },
  }
}

describe('the time that the event loop had', () => {
  it('is measured from the start on, once', async () => {
    const timers = fakeTimers()
    const time = new LoopStopwatch(timers)
    await timers.fireAfter(50)
    expect([time.passed, timers.count()]).toEqual([0, 0])
    time.start()
    time.start()
    expect(timers.count()).toBe(1)
    for (const milliseconds of [50, 51, 70, 100]) await timers.fireAfter(milliseconds)
    expect(time.passed).toBe(271)
  })

  it('rule 16: leaves out what passed before a look that came late, and a clock that was set back', async () => {
    const timers = fakeTimers()
    const time = new LoopStopwatch(timers)
    time.start()
    for (const milliseconds of [50, 101, 5000, -5000, 0, 50]) await timers.fireAfter(milliseconds)
    expect(time.passed).toBe(100)
  })

  it('stops', async () => {
    const timers = fakeTimers()
    const time = new LoopStopwatch(timers)
    time.start()
    await timers.fireAfter(50)
    time.stop()
    await timers.fireAfter(50)
    expect(timers.count()).toBe(0)
  })

  it('leaves no timer behind if it is never stopped', async () => {
    const timers = fakeTimers()
    new LoopStopwatch(timers).start()
    let looks = 0
    for (; timers.count() > 0 && looks < 1000; looks++) await timers.fireAfter(0)
    expect(looks).toBe(100)
  })
})
