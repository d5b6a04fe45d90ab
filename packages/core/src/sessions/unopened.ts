import { inspectedBy } from '../inspected-by.ts'
import { sessionMembers } from '../session/handler-session.ts'

/**
 * Catches properties that neither the object nor its class has. Otherwise `subject` would be `undefined`, which is not
 * `null`, and a guard that compares it with `null` would let every visitor in. An assignment would be lost.
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
 * The base class of objects that load a session on first use, such as those of `sessions.lazy` and the `session` of an
 * adapter. Reading a property that only the loaded session has throws a TypeError that says to call `get()`. So does
 * assigning a property.
 */
export class Unopened {
  static {
    Object.setPrototypeOf(this.prototype, guard)
  }
}
