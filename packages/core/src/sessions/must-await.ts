import { sessionMembers } from '../session/handler-session.ts'

/**
 * The prototype of the guarded promises. Its `constructor` is still Promise, so `await` uses such a promise directly.
 * It inherits from the promises of async functions, because instrumentation may have replaced the global Promise.
 */
const guard = Object.create(Object.getPrototypeOf((async () => {})()) as object) as object

/** The properties that app code may read. */
for (const name of [...sessionMembers, 'session', 'outcome', 'failure']) {
  const get = (): never => {
    throw new TypeError(`Coatcheck: await is missing: (await …).${name}`)
  }
  Object.defineProperty(guard, name, { get, set: get })
}

/**
 * For adapters: makes a promise of a session throw a TypeError if a property of the session is read from the promise
 * itself. Otherwise, without `await`, `getSession().subject === null` would be false, and a guard would let every
 * visitor in. Returns the same promise, which works with `await` and `then`.
 */
export function mustAwait<value>(promise: Promise<value>): Promise<value> {
  return Object.setPrototypeOf(promise, guard) as Promise<value>
}
