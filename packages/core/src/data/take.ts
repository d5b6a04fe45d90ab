/** Keys that a session can be without. */
export type OptionalKey<data> = {
  [key in keyof data]-?: Record<never, never> extends Pick<data, key> ? key : never
}[keyof data] &
  string

type TakenKeys = WeakMap<object, Set<string>>

/** Several copies of the core, as bundlers make them, note it in one place. */
const place = Symbol.for('@coatcheck/core taken keys')

function takenKeys(): TakenKeys {
  const shared = globalThis as { [place]?: TakenKeys }
  return (shared[place] ??= new WeakMap())
}

/**
 * Reads a key of `session.data` and removes it, for what is to be used once: a flash message, the state of an OAuth
 * login. `undefined`: it is not there, and nothing is changed. Where a session can only be read, it throws a
 * `SessionError` `read-only`.
 *
 * Of several requests that take one value at the same time, the first to be saved keeps it. Every other one has the
 * outcome `taken`, and nothing of it is saved: by default its visitor gets a 409 in place of the response. Two requests
 * may both keep a value if the session has ended or was moved by a sign-in meanwhile, and a value may come once more if
 * the store did not answer.
 */
export function take<data extends object, key extends OptionalKey<data>>(
  data: data,
  key: key,
): data[key] | undefined {
  if (!Object.hasOwn(data, key)) return undefined
  const value = data[key]
  delete data[key]
  const keys = takenKeys().get(data)
  if (keys === undefined) takenKeys().set(data, new Set([key]))
  else keys.add(key)
  return value
}

export const noKeys: ReadonlySet<string> = new Set()

/** What was taken out of this object. */
export function takenFrom(data: object): ReadonlySet<string> {
  return takenKeys().get(data) ?? noKeys
}
