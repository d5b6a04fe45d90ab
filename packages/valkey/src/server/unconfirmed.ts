/**
 * How long a write is remembered as unconfirmed, in milliseconds: longer than the core retries a sign-out, about an
 * hour.
 */
const life = 3 * 3_600_000

const most = 10_000

/**
 * The records for which no replica has confirmed this process's last write. The primary has the write, so the next read
 * would treat it as done; so that read must be confirmed as well.
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
