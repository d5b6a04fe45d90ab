import { describe, expect, it } from 'vitest'
import { slopeOf, trendOf } from './trend.ts'

describe('slopeOf', () => {
  it('is that of the line nearest to the points', () => {
    const line = [0, 1, 2, 3].map((x) => [x, 5 + 3 * x] as const)
    expect(slopeOf(line)).toBeCloseTo(3)
    expect(slopeOf([...line, [1.5, 100]])).toBeCloseTo(3)
    expect(slopeOf([[1, 7]])).toBe(0)
  })
})

describe('trendOf', () => {
  const steps = Array.from({ length: 20 }, (_, step) => step)

  it('finds what grows, and leaves out how the process starts', () => {
    const intervals = steps.map((step) => ({
      at: step * 60,
      memory: step < 2 ? 0 : 1e6 + step * 1000,
      p50: step < 2 ? 9 : 1,
      p99: step < 8 ? 2 : 3,
    }))
    const { bytesPerHour, p50, p99, p99Drift } = trendOf(intervals)
    expect([p50, p99]).toEqual([1, 3])
    expect(bytesPerHour).toBeCloseTo(60_000)
    expect(p99Drift).toBeCloseTo(1.5)
  })

  it('finds nothing where nothing grows', () => {
    const flat = steps.map((step) => ({ at: step * 60, memory: 1e6, p50: 1, p99: 2 }))
    expect(trendOf(flat)).toEqual({ bytesPerHour: 0, p50: 1, p99: 2, p99Drift: 1 })
  })
})
