import { propertyName } from './value.ts'

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
 * Reads a key of `session.data` and removes it, for what only one request may have: the state of an OAuth login, not a
 * flash message. `undefined`: it is not there, and nothing is changed. Where a session can only be read, it throws a
 * `SessionError` `read-only`.
 *
 * Of several requests that take one value at the same time, the first to be saved keeps it. Every other one has a
 * `failure` with `hasTaken`, and nothing of it is saved: by default its visitor gets a 409 or 503 in place of the
 * response. Its outcome is `taken`, or says what else happened meanwhile: the session has moved or ended, too many
 * requests saved at once, or the store did not answer. In the last two cases a later request may get the value. A
 * sign-in keeps a value that it has taken from a session that has ended meanwhile, and a request that ends the session
 * (`destroy`) has no such failure: other requests may have used what it has taken.
 *
 * Give it `session.data` itself: what is taken through a Proxy of it is removed, and not known to be taken.
 */
export function take<data extends object, key extends OptionalKey<data>>(
  data: data,
  key: key,
): data[key] | undefined {
  if (!Object.hasOwn(data, key)) return undefined
  const value = data[key]
  if (!Reflect.deleteProperty(data, key)) refuse(data, key, value)
  const keys = takenKeys().get(data)
  if (keys === undefined) takenKeys().set(data, new Set([key]))
  else keys.add(key)
  return value
}

/** What can no longer be changed says why when it is assigned, and not when it is deleted. */
function refuse<data extends object, key extends keyof data & string>(
  data: data,
  key: key,
  value: data[key],
): never {
  data[key] = value
  throw new TypeError(`take: ${propertyName(key)} cannot be removed: the object is sealed`)
}

export const noKeys: ReadonlySet<string> = new Set()

/** What was taken out of this object. */
export function takenFrom(data: object): ReadonlySet<string> {
  return takenKeys().get(data) ?? noKeys
}
