import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOf, expiresAt, hasEnded } from './expiry.ts'

const hour = 3_600_000
const lifetime = { idle: hour, absolute: 24 * hour }

describe('the lifetimes', () => {
  it('S8: the store may forget a record one idle time after its last use', () => {
    expect(expiresAt(lifetime, 0, 0)).toBe(hour)
    expect(expiresAt(lifetime, 0, 5 * hour)).toBe(6 * hour)
  })

  it('S9: and never later than the absolute end', () => {
    expect(expiresAt(lifetime, 0, 23 * hour)).toBe(24 * hour)
    expect(expiresAt(lifetime, 0, 23 * hour + 1)).toBe(24 * hour)
    expect(expiresAt({ idle: 48 * hour, absolute: hour }, 10, 20)).toBe(10 + hour)
  })

  it('S9: a session ends at its absolute end, not one millisecond before', () => {
    expect(endOf(lifetime, 7)).toBe(7 + 24 * hour)
    expect(hasEnded(lifetime, 7, 7 + 24 * hour - 1)).toBe(false)
    expect(hasEnded(lifetime, 7, 7 + 24 * hour)).toBe(true)
    expect(hasEnded(lifetime, 7, 0)).toBe(false)
  })

  it('S9: using a session, however often, never outlives its absolute end', () => {
    const seconds = fc.integer({ min: 1, max: 34_560_000 })
    fc.assert(
      fc.property(seconds, seconds, fc.array(fc.nat(hour)), (idle, absolute, pauses) => {
        const limits = { idle: idle * 1000, absolute: absolute * 1000 }
        let now = 0
        for (const pause of pauses) {
          now += pause
          const expiry = expiresAt(limits, 0, now)
          expect(expiry).toBeLessThanOrEqual(endOf(limits, 0))
          expect(expiry <= now).toBe(hasEnded(limits, 0, now))
        }
      }),
    )
  })
})
