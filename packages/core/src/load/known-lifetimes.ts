import { BoundedCache } from '../bounded-cache.ts'
import { idleEnd, lifetimeOf } from '../rules/lifetime.ts'
import type { Lifetime } from '../rules/lifetime.ts'

const limits = { entries: 10_000, size: Infinity, age: 3_600_000 }

/**
 * Caches by id which lifetime recently seen sessions have, so that one command can read a session and set its idle end.
 * The lifetime of an id never changes, since a sign-in issues a new id. A missing entry only costs one more round trip.
 */
export class KnownLifetimes {
  readonly #lifetime: Lifetime
  readonly #now: () => number
  /** `null` if there is only one lifetime. */
  readonly #persistent: BoundedCache<boolean> | null

  constructor(lifetime: Lifetime, now: () => number) {
    this.#lifetime = lifetime
    this.#now = now
    this.#persistent = lifetime.persistent === undefined ? null : new BoundedCache(limits, now)
  }

  note(id: string, isPersistent = false): void {
    this.#persistent?.set(id, isPersistent, 1)
  }

  /** The idle end of a session that is used now; `undefined` if its lifetime is not known. */
  idleEnd(id: string): number | undefined {
    if (this.#persistent === null) return idleEnd(this.#lifetime, this.#now())
    const isPersistent = this.#persistent.get(id)
    if (isPersistent === undefined) return undefined
    return idleEnd(lifetimeOf(this.#lifetime, isPersistent), this.#now())
  }
}
