import { sessionMembers } from '../session/control.ts'

/**
 * Its constructor is still Promise, so `await` takes a promise with this prototype as it is. The prototype of what async
 * functions give: instrumentation may have replaced the global Promise.
 */
const guard = Object.create(Object.getPrototypeOf((async () => {})()) as object) as object

/** What a guard of the app may ask for. */
for (const name of [...sessionMembers, 'session', 'outcome', 'failure']) {
  const get = (): never => {
    throw new TypeError(`Coatcheck: await is missing: (await …).${name}`)
  }
  Object.defineProperty(guard, name, { get, set: get })
}

/**
 * Makes a promise throw if it is asked for what it resolves with. JavaScript would read `undefined`, so without `await`
 * `getSession().subject === null` is false, and a guard lets every visitor in. The promise is the same one, and works
 * with `await` and `then`. For adapters.
 */
export function mustAwait<value>(promise: Promise<value>): Promise<value> {
  return Object.setPrototypeOf(promise, guard) as Promise<value>
}
