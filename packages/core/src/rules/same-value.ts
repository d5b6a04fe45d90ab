/** Whether two stored values are deeply equal. The order of object keys does not matter. */
export function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return false
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false
  if (Array.isArray(left)) return sameItems(left, right as unknown[])
  if (left instanceof Uint8Array) return sameItems(left, right as Uint8Array)
  if (left instanceof Date) return left.getTime() === (right as Date).getTime()
  if (left instanceof Map) return sameItems([...left].flat(1), [...(right as typeof left)].flat(1))
  if (left instanceof Set) return sameItems([...left], [...(right as typeof left)])
  return sameEntries(left, right)
}

function sameItems(left: ArrayLike<unknown>, right: ArrayLike<unknown>): boolean {
  if (left.length !== right.length) return false
  for (let at = 0; at < left.length; at++) if (!same(left[at], right[at])) return false
  return true
}

function sameEntries(left: object, right: object): boolean {
  const entries = Object.entries(left)
  return (
    entries.length === Object.keys(right).length &&
    entries.every(
      ([key, item]) =>
        Object.hasOwn(right, key) && same(item, (right as Record<string, unknown>)[key]),
    )
  )
}
