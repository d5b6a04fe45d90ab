import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  backoffTime,
  givesUp,
  isMoving,
  maxDuration,
  maxTries,
  maxWaits,
  movingLife,
} from './retry-limits.ts'

describe('the limits of a loop', () => {
  it('S32: are 16 writes and a second', () => {
    expect([maxTries, maxDuration]).toEqual([16, 1000])
  })

  it('S32: whichever comes first', () => {
    expect(givesUp(1, 0, 0)).toBe(false)
    expect(givesUp(15, maxWaits - 1, 999)).toBe(false)
    expect(givesUp(16, 0, 0)).toBe(true)
    expect(givesUp(0, maxWaits, 0)).toBe(true)
    expect(givesUp(1, 0, 1000)).toBe(true)
  })
})

describe('isMoving', () => {
  it('rule 4: is true until the time that the record says, half a second ahead at most', () => {
    const now = 1_700_000_000_000
    const ahead = [-movingLife, -1, 0, 1, movingLife - 1, movingLife, movingLife + 1, 86_400_000]
    expect(ahead.map((time) => isMoving(now + time, now))).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
      false,
      false,
    ])
    expect(isMoving(0, now)).toBe(false)
    expect(movingLife).toBe(500)
  })
})

describe('backoffTime', () => {
  it('is up to 2, 4, 8 … 64 milliseconds', () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 16].map((tries) => backoffTime(1, tries))
    expect(most).toEqual([2, 4, 8, 16, 32, 64, 64, 64])
  })

  it('is spread over the whole of it by chance', () => {
    expect([0, 0.25, 0.5].map((chance) => backoffTime(chance, 3))).toEqual([0, 2, 4])
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(100), (chance, tries) => {
        const time = backoffTime(chance, tries)
        expect(time).toBeGreaterThanOrEqual(0)
        expect(time).toBeLessThanOrEqual(64)
      }),
    )
  })
})
