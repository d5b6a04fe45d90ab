import type { Session } from '../session/session.ts'
import type { LazySession } from './lazy-session.ts'

type OnlyOpened = Exclude<keyof Session<object>, keyof LazySession<object>>

/** What only the opened session has. */
const members: Readonly<Record<OnlyOpened, true>> = {
  data: true,
  id: true,
  state: true,
  createdAt: true,
  renewedAt: true,
  isPersistent: true,
  subject: true,
  ref: true,
  device: true,
  signIn: true,
  renew: true,
  destroy: true,
  requireFresh: true,
  requireBound: true,
  csrfToken: true,
  verifyCsrf: true,
  explain: true,
}

export const sessionMembers: readonly string[] = Object.keys(members)

/** The consoles of Node, Bun and Deno call it. */
const inspectedBy = Symbol.for('nodejs.util.inspect.custom')

/**
 * Reached by what the object and its class do not have. Without it JavaScript would read `undefined`, which is not `null`:
 * a guard that asks whether `subject` is `null` would let every visitor in. And an assignment would be lost.
 */
const guard = new Proxy(
  {},
  {
    get(target, key, object): unknown {
      if (key === inspectedBy) return () => 'RequestSession { await get() for the session }'
      if (typeof key !== 'string' || !Object.hasOwn(members, key)) {
        return Reflect.get(target, key, object)
      }
      throw new TypeError(
        `Coatcheck: "${key}" is on the session that get() resolves with: (await session.get()).${key}`,
      )
    },
    set(_target, key): never {
      throw new TypeError(
        `Coatcheck: "${String(key)}" would be lost. Set it on the data of the session that get() resolves with: ` +
          '(await session.get()).data',
      )
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
