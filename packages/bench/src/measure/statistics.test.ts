import { describe, expect, it } from 'vitest'
import { median, medianDifference, medianRatio, range } from './statistics.ts'

describe('median', () => {
  it('is the middle one, in numeric order', () => {
    expect(median([10, 9, 100])).toBe(10)
    expect(median([7])).toBe(7)
  })

  it('is the mean of the two in the middle', () => {
    expect(median([1, 100, 3, 2])).toBe(2.5)
  })

  it('leaves the values as they are', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })

  it('refuses to make one up', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('comparisons round by round', () => {
  // The second round ran on a machine that was ten times as slow: it is in both.
  const left = [2, 20, 2.2]
  const right = [1, 10, 1]

  it('divides within a round, and takes the median afterwards', () => {
    expect(medianRatio(left, right)).toBe(2)
    // The ratio of the medians would be another one.
    expect(median(left) / median(right)).toBeCloseTo(2.2)
  })

  it('subtracts within a round', () => {
    expect(medianDifference(left, right)).toBeCloseTo(1.2)
  })

  it('refuses rounds without a partner', () => {
    expect(() => medianRatio([1, 2], [1])).toThrow(RangeError)
    expect(() => medianDifference([1], [1, 2])).toThrow(RangeError)
  })
})

it('range', () => {
  expect(range([3, 1, 20])).toEqual([1, 20])
})
