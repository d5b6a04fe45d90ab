import { BoundedCache } from '../bounded-cache.ts'
import { idleEnd, lifetimeOf } from '../rules/lifetime.ts'
import type { Lifetime } from '../rules/lifetime.ts'

const limits = { entries: 10_000, size: Infinity, age: 3_600_000 }

/**
 * Which lifetime the sessions seen lately have, by their id, so that the read of one moves the right idle end. It never
 * changes under one id: a sign-in gives a new one. A missing entry costs one trip more, and nothing else.
 */
export class KnownLifetimes {
  readonly #lifetime: Lifetime
  readonly #now: () => number
  /** `null`: there is only one lifetime. */
  readonly #persistent: BoundedCache<boolean> | null

  constructor(lifetime: Lifetime, now: () => number) {
    this.#lifetime = lifetime
    this.#now = now
    this.#persistent = lifetime.persistent === undefined ? null : new BoundedCache(limits, now)
  }

  note(id: string, isPersistent = false): void {
    this.#persistent?.set(id, isPersistent, 1)
  }

  /** When a session ends that is used now and not again; `undefined`: its lifetime is not known. */
  idleEnd(id: string): number | undefined {
    if (this.#persistent === null) return idleEnd(this.#lifetime, this.#now())
    const isPersistent = this.#persistent.get(id)
    if (isPersistent === undefined) return undefined
    return idleEnd(lifetimeOf(this.#lifetime, isPersistent), this.#now())
  }
}
