import { inspectedBy } from '../inspected-by.ts'
import { sessionMembers } from '../session/control.ts'

/**
 * Reached by what the object and its class do not have. Without it JavaScript would read `undefined`, which is not `null`:
 * a guard that asks whether `subject` is `null` would let every visitor in. And an assignment would be lost.
 */
const guard = new Proxy(
  {},
  {
    get(target, key, object): unknown {
      if (key === inspectedBy) return () => 'RequestSession { await get() for the session }'
      if (typeof key !== 'string' || !sessionMembers.includes(key)) {
        return Reflect.get(target, key, object)
      }
      throw new TypeError(`Coatcheck: "${key}" is of the session: (await session.get()).${key}`)
    },
    set(_target, key): never {
      const what = `Coatcheck: "${String(key)}" would be lost`
      throw new TypeError(`${what}: set it on (await session.get()).data`)
    },
  },
)

/**
 * The base of what opens a session when it is asked for, such as `sessions.lazy` and the `session` of an adapter. Reading
 * what only the opened session has, or assigning anything, throws a TypeError that says to call `get()`.
 */
export class Unopened {
  static {
    Object.setPrototypeOf(this.prototype, guard)
  }
}
