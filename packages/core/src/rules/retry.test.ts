import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffTime, maxDuration, maxTries } from './retry.ts'

describe('the limits of a loop', () => {
  it('S32: are 16 writes and a second', () => {
    expect([maxTries, maxDuration]).toEqual([16, 1000])
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
