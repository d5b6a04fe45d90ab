import { median } from './statistics.ts'

/** The measurements of one interval of a soak test. */
export interface Interval {
  /** Seconds since the start. */
  readonly at: number
  /** Bytes in use after a garbage collection. */
  readonly memory: number
  /** Milliseconds from when a request was due to its response: the median. */
  readonly p50: number
  /** The same: the time that 99 of 100 responses took at most. */
  readonly p99: number
}

/** The slope of the least-squares line through the points: the increase of `y` per unit of `x`. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const middle = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length
  const [middleX, middleY] = [middle(0), middle(1)]
  let above = 0
  let below = 0
  for (const [x, y] of points) {
    above += (x - middleX) * (y - middleY)
    below += (x - middleX) ** 2
  }
  return below === 0 ? 0 : above / below
}

/**
 * Bytes per hour, the medians of the intervals' p50 and p99, and the ratio of the last quarter's p99 to the first's.
 * The first tenth is skipped as warm-up.
 */
export function trendOf(intervals: readonly Interval[]): {
  readonly bytesPerHour: number
  readonly p50: number
  readonly p99: number
  readonly p99Drift: number
} {
  const steady = intervals.slice(Math.ceil(intervals.length / 10))
  const quarter = Math.max(1, Math.floor(steady.length / 4))
  const p99Of = (some: readonly Interval[]) => median(some.map(({ p99 }) => p99))
  return {
    bytesPerHour: slopeOf(steady.map(({ at, memory }) => [at, memory] as const)) * 3600,
    p50: median(steady.map(({ p50 }) => p50)),
    p99: p99Of(steady),
    p99Drift: p99Of(steady.slice(-quarter)) / p99Of(steady.slice(0, quarter)),
  }
}
