/** A session's values under the auth keys: one text for each key that has a value. */
export type AuthValues = ReadonlyMap<string, string>

/** `undefined`, `null`, `false` and `''` count as no value, because applications sign out with any of them. */
export function authValues(data: object, keys: readonly string[]): AuthValues {
  const values = new Map<string, string>()
  for (const key of keys) {
    const value = Object.hasOwn(data, key) ? (data as Record<string, unknown>)[key] : undefined
    if (value !== undefined && value !== null && value !== false && value !== '') {
      values.set(key, printed(value))
    }
  }
  return values
}

/**
 * How a request changed them: `sign-in` if a value was added or changed, `sign-out` if the last one was removed, `less`
 * if another one was removed.
 */
export type AuthChange = 'none' | 'sign-in' | 'sign-out' | 'less'

export function authChange(before: AuthValues, after: AuthValues): AuthChange {
  if ([...after].some(([key, value]) => before.get(key) !== value)) return 'sign-in'
  if (after.size === before.size) return 'none'
  return after.size === 0 ? 'sign-out' : 'less'
}

/** A text form of a value for comparison, because values may be changed in place. */
function printed(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, item: unknown) => {
      if (item instanceof Map || item instanceof Set) return [...(item as Iterable<unknown>)]
      return typeof item === 'bigint' ? `${item}n` : item
    })
  } catch {
    // A circular value, which the commit refuses.
    return ''
  }
}
