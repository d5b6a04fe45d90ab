/** Fails a test with `message` unless `condition` holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

/** Fails unless both values are the same (`Object.is`). */
export function checkSame<value>(actual: value, expected: value, what: string): void {
  check(Object.is(actual, expected), `${what}: expected ${String(expected)}, got ${String(actual)}`)
}

/** Fails unless a record was found; hands it on. */
export function checkFound<record extends object>(found: record | null, what: string): record {
  check(found !== null, `${what}: expected a record, got null`)
  return found
}

/** Fails unless no record was found. */
export function checkNone(found: object | null, what: string): void {
  check(found === null, `${what}: expected null, got a record`)
}

/** Fails unless `actual` is a Uint8Array of exactly the expected bytes. */
export function checkBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  check(actual instanceof Uint8Array, `${what}: expected a Uint8Array`)
  checkSame(actual.length, expected.length, `${what}, length`)
  const at = expected.findIndex((byte, index) => byte !== actual[index])
  check(at === -1, `${what}: byte ${at} is ${String(actual[at])}, expected ${String(expected[at])}`)
}
