/** Milliseconds that a write is known as unconfirmed: longer than the core tries a sign-out again, which is about an hour. */
const life = 3 * 3_600_000

const most = 10_000

/**
 * The records whose last write of this process no replica has confirmed. The primary has it, so the next read would take it for
 * done; that must be confirmed as well.
 */
export class Unconfirmed {
  readonly #until = new Map<string, number>()

  add(key: string): void {
    if (this.#until.size >= most) {
      const [oldest] = this.#until.keys()
      this.#until.delete(oldest!)
    }
    this.#until.delete(key)
    this.#until.set(key, performance.now() + life)
  }

  has(key: string): boolean {
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (until > performance.now()) return true
    this.#until.delete(key)
    return false
  }

  delete(key: string): void {
    this.#until.delete(key)
  }
}
