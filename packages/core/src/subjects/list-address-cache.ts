import type { Address } from '../crypto/record-address.ts'

/** For how many sessions a process remembers where their subject's list is. */
const maxRemembered = 10_000

/**
 * Where the subject's lists of sessions seen lately are, by the session's id. With it a session and its list
 * are read in one trip. A wrong or missing entry costs one trip more, and nothing else.
 */
export class ListAddressCache {
  readonly #addresses = new Map<string, Address>()

  get(id: string): Address | undefined {
    return this.#addresses.get(id)
  }

  set(id: string, address: Address): void {
    if (this.#addresses.size >= maxRemembered) {
      for (const oldest of this.#addresses.keys()) {
        this.#addresses.delete(oldest)
        break
      }
    }
    this.#addresses.set(id, address)
  }
}
