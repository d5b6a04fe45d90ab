/** A session's lifetimes, in milliseconds. */
export interface Lifetime {
  /** Ends the session this long after its last request. */
  readonly idle: number
  /** Ends the session this long after it began, even if it is in use. */
  readonly absolute: number
  /** Ends a new session this long after it began, unless it is used again, or renewed. */
  readonly unused: number
  /** Gives the session a new token when its token is this old. Infinity: never. */
  readonly rotate: number
  /** For sessions whose sign-in set `persist`. Default: the same. */
  readonly persistent?: Lifetime | undefined
}

/** The lifetime of one session. */
export function lifetimeOf(lifetime: Lifetime, isPersistent: boolean | undefined): Lifetime {
  return (isPersistent === true ? lifetime.persistent : undefined) ?? lifetime
}

/**
 * False if this process does not know how long a remembered session lives. In a rolling deploy, another process may
 * know.
 */
export function isLifetimeKnown({ persistent }: Lifetime, isPersistent = false): boolean {
  return !isPersistent || persistent !== undefined
}

/** The longest possible life of a session. */
export function longestLife({ absolute, persistent }: Lifetime): number {
  return Math.max(absolute, persistent?.absolute ?? 0)
}

/** When a session ends that is used at `now` and not again. */
export function idleEnd(lifetime: Lifetime, now: number): number {
  return now + lifetime.idle
}

/** When the store may drop the record of a session that is used at `now`. */
export function expiresAt(lifetime: Lifetime, createdAt: number, now: number): number {
  return Math.min(idleEnd(lifetime, now), endOf(lifetime, createdAt))
}

/** When the store may drop a record that is created at `now`. `trusted`: the session was signed in or renewed. */
export function firstExpiry(
  lifetime: Lifetime,
  createdAt: number,
  now: number,
  trusted: boolean,
): number {
  const expiry = expiresAt(lifetime, createdAt, now)
  return trusted ? expiry : Math.min(expiry, now + lifetime.unused)
}

/** The absolute end of the session. */
export function endOf(lifetime: Lifetime, createdAt: number): number {
  return createdAt + lifetime.absolute
}

/** Whether the absolute end has passed. The idle end is enforced by the store, which drops the record. */
export function hasEnded(lifetime: Lifetime, createdAt: number, now: number): boolean {
  return now >= endOf(lifetime, createdAt)
}

/** Twice the life of the mark that a renewal leaves under the old token, in milliseconds. */
const restAfterRenewal = 120_000

/** The fields of a record that decide whether its token is due. */
export interface TokenAge {
  readonly owner: object | null
  readonly renewedAt: number | null
  readonly rotatedAt: number
}

/**
 * Whether the token is old enough for rotation. The mark of a renewal leads a sign-out to the new token, but not beyond
 * a rotation of that token, so the rotation waits until the mark has expired. A session with a subject need not wait,
 * since it can also be ended through its list.
 */
export function isDue({ rotate }: Lifetime, record: TokenAge, now: number): boolean {
  const { owner, renewedAt, rotatedAt } = record
  const age = now - rotatedAt
  return age >= rotate && (owner !== null || renewedAt !== rotatedAt || age >= restAfterRenewal)
}
