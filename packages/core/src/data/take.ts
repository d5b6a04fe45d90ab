import { propertyName } from './value.ts'

/** The optional keys of `data`. */
export type OptionalKey<data> = {
  [key in keyof data]-?: Record<never, never> extends Pick<data, key> ? key : never
}[keyof data] &
  string

type TakenKeys = WeakMap<object, Set<string>>

/** Shared through `globalThis`, because bundlers may include several copies of the core. */
const place = Symbol.for('@coatcheck/core taken keys')

function takenKeys(): TakenKeys {
  const shared = globalThis as { [place]?: TakenKeys }
  return (shared[place] ??= new WeakMap())
}

/**
 * Reads a key of `session.data` and removes it, for values that only one request may use, such as the state of an OAuth
 * login. (A flash message does not need it.) Returns `undefined` if the key is missing. Throws a `SessionError`
 * `read-only` or `committed` where the session cannot be changed.
 *
 * If several requests take a value at the same time, the first one to be saved keeps it. The others save nothing and
 * get a `failure` with `hasTaken`; by default their visitors get a 409 or 503 instead of the response. Their outcome is
 * `taken`, or says what else happened: `moved` or `gone`, `conflict` or `unavailable`. After `conflict` or
 * `unavailable` a later request may get the value.
 *
 * There is no such failure in three cases, in which another request may have used the value as well: a sign-in whose
 * session has ended in the meantime keeps the value, and so does a request that calls `destroy`; and a sign-in whose
 * session was renewed in the meantime has the values that it had loaded.
 *
 * Pass `session.data` itself. Through a Proxy of it the key is removed, but not recorded as taken.
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

/** Assigning to a closed object throws its specific error; deleting does not. */
function refuse<data extends object, key extends keyof data & string>(
  data: data,
  key: key,
  value: data[key],
): never {
  data[key] = value
  throw new TypeError(`take: ${propertyName(key)} cannot be removed: the object is sealed`)
}

export const noKeys: ReadonlySet<string> = new Set()

/** The keys taken from this object, if there is one. */
export function takenFrom(data: object | undefined): ReadonlySet<string> {
  return (data && takenKeys().get(data)) ?? noKeys
}
