import { describe, expect, it } from 'vitest'
import { createDenials } from './pending-logouts.ts'
import type { Identity } from '../crypto/token.ts'

const identityOf = (id: string): Identity => ({ id, token: `token of ${id}` })

/** Waits that end when the test says so. */
function createClock(): {
  readonly wait: (milliseconds: number) => Promise<void>
  readonly waits: number[]
  readonly tick: () => Promise<void>
} {
  const waits: number[] = []
  const sleepers: (() => void)[] = []
  return {
    waits,
    wait(milliseconds) {
      waits.push(milliseconds)
      return new Promise((resolve) => sleepers.push(resolve))
    },
    async tick() {
      for (const wake of sleepers.splice(0)) wake()
      await new Promise(setImmediate)
    },
  }
}

describe('logouts that were not confirmed', () => {
  it('T7: are refused at once, and until the store has heard of them', async () => {
    const clock = createClock()
    const answers = [false, false, true]
    const ended: string[] = []
    const denials = createDenials(async ({ id }) => {
      ended.push(id)
      return answers.shift() ?? true
    }, clock.wait)
    denials.add(identityOf('a'))
    expect([denials.has('a'), denials.has('b')]).toEqual([true, false])
    for (const left of [true, true, false]) {
      await clock.tick()
      expect(denials.has('a')).toBe(left)
    }
    expect(ended).toEqual(['a', 'a', 'a'])
  })

  it('T7, S32: are tried again after 1, 2, 4 … 60 seconds, 64 times at most', async () => {
    const clock = createClock()
    const denials = createDenials(async () => false, clock.wait)
    denials.add(identityOf('a'))
    for (let n = 0; n < 100; n++) await clock.tick()
    expect(clock.waits.slice(0, 8)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ])
    expect(clock.waits).toHaveLength(64)
    expect(denials.has('a')).toBe(false)
  })

  it('T7: are tried once at a time, however often the visitor asks', async () => {
    const clock = createClock()
    let tries = 0
    const denials = createDenials(async () => (tries++, false), clock.wait)
    for (let n = 0; n < 10; n++) denials.add(identityOf('a'))
    await clock.tick()
    expect(tries).toBe(1)
  })

  it('T16: are 10,000 at most, the oldest go first', () => {
    const denials = createDenials(
      async () => false,
      () => new Promise(() => {}),
    )
    for (let n = 0; n <= 10_000; n++) denials.add(identityOf(`id ${n}`))
    expect([denials.has('id 0'), denials.has('id 1'), denials.has('id 10000')]).toEqual([
      false,
      true,
      true,
    ])
  })

  it('S38: cannot end the process by an end that throws', async () => {
    const clock = createClock()
    const denials = createDenials(() => Promise.reject(new Error('config')), clock.wait)
    denials.add(identityOf('a'))
    await clock.tick()
    expect(denials.has('a')).toBe(false)
  })
})
