/** The maximum number of ids; the oldest are removed first. */
const maxRefused = 10_000

/**
 * The ids of sessions whose sign-out the store has not confirmed yet. This process refuses them until a retry succeeds,
 * or until the process ends.
 */
export class RefusedIds {
  readonly #ids = new Set<string>()

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** False if the id is already refused. */
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
