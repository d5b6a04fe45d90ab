/** The middle one; of an even number, the mean of the two in the middle. Throws for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('The median of no values')
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/**
 * The median of `left / right`, round by round: what slows a whole round down is in both, and goes. Values
 * of the same index belong to the same round.
 */
export function medianRatio(left: readonly number[], right: readonly number[]): number {
  if (left.length !== right.length) throw new RangeError('Not as many rounds on both sides')
  return median(left.map((value, round) => value / right[round]!))
}

/** The median of `left - right`, round by round. */
export function medianDifference(left: readonly number[], right: readonly number[]): number {
  if (left.length !== right.length) throw new RangeError('Not as many rounds on both sides')
  return median(left.map((value, round) => value - right[round]!))
}

/** The smallest and the largest. */
export function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)]
}
