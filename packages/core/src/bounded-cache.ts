/** The limits of a cache. */
export interface CacheLimits {
  /** The maximum number of entries. */
  readonly entries: number
  /** The maximum total size. */
  readonly size: number
  /** Milliseconds since its last use after which an entry expires. */
  readonly age: number
}

interface Entry<value> {
  readonly key: string
  value: value
  size: number
  usedAt: number
  older: Entry<value> | null
  newer: Entry<value> | null
}

/**
 * A cache that evicts the least recently used entries first. It has no timer: expired entries are removed when the
 * cache is next used.
 */
export class BoundedCache<value> {
  readonly #limits: CacheLimits
  readonly #now: () => number
  readonly #entries = new Map<string, Entry<value>>()
  // A linked list in order of use. Reinserting used entries into the Map takes five times as long.
  #oldest: Entry<value> | null = null
  #newest: Entry<value> | null = null
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
    this.#use(entry, now)
    return entry.value
  }

  set(key: string, value: value, size: number): void {
    if (size > this.#limits.size) return this.delete(key)
    const now = this.#now()
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { key, value, size: 0, usedAt: now, older: null, newer: null }
      this.#entries.set(key, entry)
      this.#append(entry)
    }
    this.#size += size - entry.size
    entry.value = value
    entry.size = size
    this.#use(entry, now)
    this.#drop(now)
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#unlink(entry)
    this.#size -= entry.size
  }

  #use(entry: Entry<value>, now: number): void {
    entry.usedAt = now
    if (entry === this.#newest) return
    this.#unlink(entry)
    this.#append(entry)
  }

  #drop(now: number): void {
    const { entries, size, age } = this.#limits
    for (let entry = this.#oldest; entry !== null; entry = this.#oldest) {
      const isOver = this.#entries.size > entries || this.#size > size
      if (!isOver && now - entry.usedAt < age) return
      this.delete(entry.key)
    }
  }

  #append(entry: Entry<value>): void {
    entry.older = this.#newest
    if (this.#newest === null) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  #unlink(entry: Entry<value>): void {
    if (entry.older === null) this.#oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === null) this.#newest = entry.older
    else entry.newer.older = entry.older
    entry.older = entry.newer = null
  }
}
