/** What a cache may hold. */
export interface CacheLimits {
  /** Most entries. */
  readonly entries: number
  /** Most of all sizes together. */
  readonly size: number
  /** Milliseconds since its last use after which an entry goes. */
  readonly age: number
}

interface Entry<value> {
  readonly value: value
  readonly size: number
  usedAt: number
}

/**
 * Values by key, the least recently used of which go first. There is no timer: old entries go when the cache is
 * used again.
 */
export class BoundedCache<value> {
  readonly #limits: CacheLimits
  readonly #now: () => number
  // A Map keeps the order of insertion, and what is used is inserted anew: so the first is the oldest.
  readonly #entries = new Map<string, Entry<value>>()
  #size = 0

  constructor(limits: CacheLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  get count(): number {
    return this.#entries.size
  }

  get(key: string): value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const now = this.#now()
    this.#drop(now)
    if (now - entry.usedAt >= this.#limits.age) return undefined
    entry.usedAt = now
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: value, size: number): void {
    this.delete(key)
    if (size > this.#limits.size) return
    const now = this.#now()
    this.#entries.set(key, { value, size, usedAt: now })
    this.#size += size
    this.#drop(now)
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#size -= entry.size
  }

  #drop(now: number): void {
    const { entries, size, age } = this.#limits
    for (const [key, entry] of this.#entries) {
      const isOver = this.#entries.size > entries || this.#size > size
      if (!isOver && now - entry.usedAt < age) return
      this.delete(key)
    }
  }
}
