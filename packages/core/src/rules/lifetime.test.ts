import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOf, expiresAt, firstExpiry, hasEnded, isDue } from './lifetime.ts'
import type { Lifetime } from './lifetime.ts'

const hour = 3_600_000
const minute = 60_000
const lifetime = lifetimeOf(hour, 24 * hour)

function lifetimeOf(idle: number, absolute: number): Lifetime {
  return { idle, absolute, unused: 10 * minute, rotate: Infinity }
}

describe('the lifetimes', () => {
  it('S8: the store may forget a record one idle time after its last use', () => {
    expect(expiresAt(lifetime, 0, 0)).toBe(hour)
    expect(expiresAt(lifetime, 0, 5 * hour)).toBe(6 * hour)
  })

  it('S9: and never later than the absolute end', () => {
    expect(expiresAt(lifetime, 0, 23 * hour)).toBe(24 * hour)
    expect(expiresAt(lifetime, 0, 23 * hour + 1)).toBe(24 * hour)
    expect(expiresAt(lifetimeOf(48 * hour, hour), 10, 20)).toBe(10 + hour)
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
        const limits = lifetimeOf(idle * 1000, absolute * 1000)
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

  it('S90: a new session without a sign-in is kept for the shorter time of an unused one', () => {
    expect(firstExpiry(lifetime, 0, 0, false)).toBe(10 * minute)
    expect(firstExpiry(lifetime, 0, 0, true)).toBe(hour)
  })

  it('S90: the time of an unused session lengthens neither of the others', () => {
    const patient = { ...lifetime, unused: 100 * hour }
    expect(firstExpiry(patient, 0, 0, false)).toBe(hour)
    expect(firstExpiry(lifetime, 0, 24 * hour - minute, false)).toBe(24 * hour)
    expect(firstExpiry(lifetime, 0, 24 * hour - minute, true)).toBe(24 * hour)
  })

  it('S58: a token is due once it is as old as it may be, and never where none rotate', () => {
    const rotating = { ...lifetime, rotate: hour }
    const record = { owner: null, renewedAt: null, rotatedAt: 5 }
    expect(isDue(rotating, record, 5 + hour - 1)).toBe(false)
    expect(isDue(rotating, record, 5 + hour)).toBe(true)
    expect(isDue(rotating, record, 0)).toBe(false)
    const created = { owner: null, renewedAt: null, rotatedAt: 0 }
    expect(isDue(lifetime, created, Number.MAX_SAFE_INTEGER)).toBe(false)
  })

  it('is not due while a sign-out may come by the mark of a renewal', () => {
    const rotating = { ...lifetime, rotate: 60_000 }
    const renewed = { owner: null, renewedAt: 5, rotatedAt: 5 }
    expect(isDue(rotating, renewed, 5 + 119_999)).toBe(false)
    expect(isDue(rotating, renewed, 5 + 120_000)).toBe(true)
    const rotated = { owner: null, renewedAt: 5, rotatedAt: 70_005 }
    expect(isDue(rotating, rotated, 70_005 + 60_000)).toBe(true)
    expect(isDue(rotating, { ...renewed, owner: {} }, 5 + 60_000)).toBe(true)
  })
})
