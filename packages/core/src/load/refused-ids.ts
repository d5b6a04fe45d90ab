/** No more than this many at once; the oldest go first. */
const maxRefused = 10_000

/**
 * The ids of sessions whose sign-out the store has not confirmed yet. They are refused in this process until
 * a retry succeeds: a promise for as long as the process lives, and no longer.
 */
export class RefusedIds {
  readonly #ids = new Set<string>()

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** False if the id is refused already. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false
    for (const oldest of this.#ids) {
      if (this.#ids.size < maxRefused) break
      this.#ids.delete(oldest)
    }
    this.#ids.add(id)
    return true
  }

  delete(id: string): void {
    this.#ids.delete(id)
  }
}
