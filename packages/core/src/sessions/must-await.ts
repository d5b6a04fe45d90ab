import { sessionMembers } from './unopened.ts'

/** What a promise resolves with. */
type Resolved = 'session' | 'commit' | 'open' | 'list'

/** What a guard may ask a promise for, if its `await` was forgotten: by what the promise resolves with. */
const members: Readonly<Record<Resolved, readonly string[]>> = {
  session: sessionMembers,
  commit: [
    'outcome',
    'failure',
    'cookie',
    'formerCookies',
    'cacheControl',
    'clearSiteData',
    'applyTo',
  ],
  open: ['session', 'commit', 'lock', 'isChanged'],
  list: ['length'],
}

/** By the call that makes the promise. */
const guards = new Map<string, object>()

/**
 * Makes a promise throw if it is asked for what it resolves with. JavaScript would read `undefined`, so without `await`
 * `getSession().subject === null` is false, and a guard lets every visitor in. The promise is the same one, and works
 * with `await` and `then`. `call`: how the app gets it, such as `getSession()`. For adapters.
 */
export function mustAwait<value>(
  promise: Promise<value>,
  what: Resolved,
  call: string,
): Promise<value> {
  let guard = guards.get(call)
  if (guard === undefined) guards.set(call, (guard = guardFor(members[what], call)))
  return Object.setPrototypeOf(promise, guard) as Promise<value>
}

/** Its constructor is still Promise, so `await` takes the promise as it is. */
function guardFor(names: readonly string[], call: string): object {
  const guard = Object.create(Promise.prototype) as object
  for (const name of names) {
    const refuse = (): never => {
      const what = `"${name}" is on what ${call} resolves with`
      throw new TypeError(`Coatcheck: ${what}: write (await ${call}).${name}`)
    }
    Object.defineProperty(guard, name, { get: refuse, set: refuse })
  }
  return guard
}
