/** The middle value; for an even number, the mean of the two middle values. Throws for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('The median of no values')
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/**
 * The median of `left / right` per round, so that effects on a whole round cancel out. Values with the same index
 * belong to the same round.
 */
export function medianRatio(left: readonly number[], right: readonly number[]): number {
  if (left.length !== right.length) throw new RangeError('Not as many rounds on both sides')
  return median(left.map((value, round) => value / right[round]!))
}

/** The median of `left - right` per round. */
export function medianDifference(left: readonly number[], right: readonly number[]): number {
  if (left.length !== right.length) throw new RangeError('Not as many rounds on both sides')
  return median(left.map((value, round) => value - right[round]!))
}

/** The smallest and the largest value. */
export function range(values: readonly number[]): readonly [number, number] {
  return [Math.min(...values), Math.max(...values)]
}
