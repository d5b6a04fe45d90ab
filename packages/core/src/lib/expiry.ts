/** A session's lifetimes, in milliseconds. */
export interface Lifetime {
  /** Ends the session this long after its last request. */
  readonly idle: number
  /** Ends the session this long after it began, whatever happens. */
  readonly absolute: number
}

/** When the store may forget the record, if its session is used at `now`. */
export function expiresAt(lifetime: Lifetime, createdAt: number, now: number): number {
  return Math.min(now + lifetime.idle, endOf(lifetime, createdAt))
}

/** When the session ends, whatever happens. */
export function endOf(lifetime: Lifetime, createdAt: number): number {
  return createdAt + lifetime.absolute
}

/** Whether the absolute end has come. The idle end is the store's to keep: it forgets the record. */
export function hasEnded(lifetime: Lifetime, createdAt: number, now: number): boolean {
  return now >= endOf(lifetime, createdAt)
}
