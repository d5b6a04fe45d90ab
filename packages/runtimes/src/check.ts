/** Assertions without a framework: each throws with what was found. */

export function equal(found: unknown, expected: unknown, what = 'value'): void {
  if (show(found) === show(expected)) return
  throw new Error(`${what}: ${show(found)} instead of ${show(expected)}`)
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`${what} does not hold`)
}

/** `expected`: the code of the error, or a part of its text. */
export async function fails(work: () => unknown, expected: string): Promise<void> {
  let error: unknown
  try {
    await work()
  } catch (thrown) {
    error = thrown
  }
  if (error === undefined) throw new Error(`did not throw ${expected}`)
  const { code, message } = error as { code?: unknown; message?: string }
  if (code === expected || message?.includes(expected)) return
  throw new Error(`threw ${String(code)} ${message ?? String(error)} instead of ${expected}`)
}

/** Tells apart all values that a session can hold. Keys in order. */
export function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Map) return `Map(${show([...value])})`
  if (value instanceof Set) return `Set(${show([...value])})`
  if (value instanceof Uint8Array) return `Bytes(${[...value].join(' ')})`
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value).toSorted()
    return `{${keys.map((key) => `${key}: ${show((value as Record<string, unknown>)[key])}`).join(', ')}}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

export const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
