import type { SessionAddress } from '../crypto/record-address.ts'
import { addressOf } from '../crypto/token.ts'
import { maxHops } from '../rules/retry-limits.ts'
import type { MovedMark } from '../store/marks.ts'
import type { SessionRecord } from '../store/record.ts'
import { isRecord } from '../store/marks.ts'
import type { Loaded, NotRead } from '../store/sealed-store.ts'
import { readEntry } from './read-entry.ts'
import type { EntryContext } from './read-entry.ts'

export interface LoadedSession extends Loaded<SessionRecord, SessionAddress> {
  /** Whether the requested token is an old one that a rotation replaced. */
  readonly isForwarded: boolean
  /** Whether the replacement token was itself replaced, and so must have been used. */
  readonly isReused?: boolean
}

export interface ReadContext extends EntryContext {
  readonly now: () => number
}

/** Why no session was loaded. `MovedMark`: it was renewed and has another token. */
export type NotLoaded = NotRead | 'unreadable' | MovedMark

/**
 * Reads a session's record and follows the forwards of rotations. `expiresAt` also moves the expiry of what it reads.
 * Several forwards can form a chain: a request that took a minute leaves a forward to a token that is already due.
 */
export async function followForwards(
  context: ReadContext,
  address: SessionAddress,
  expiresAt?: number,
): Promise<LoadedSession | NotLoaded> {
  let at = address
  for (let hops = 0; hops < maxHops; hops++) {
    const found = await readEntry(context, at, expiresAt)
    if (typeof found === 'string') return found
    const { record, version } = found
    if (record === null) return 'unreadable'
    if (isRecord(record)) {
      const loaded = { address: found.address, record, version, isForwarded: hops > 0 }
      return hops > 1 ? { ...loaded, isReused: true } : loaded
    }
    if (context.now() >= record.until) return 'missing'
    // The read extended the entry's expiry to a session's lifetime. Restores it, or each such request would leave an
    // entry for weeks.
    const untouch = expiresAt === undefined ? null : readEntry(context, at, record.until)
    if (record.kind === 'moved') {
      await untouch
      return record
    }
    const [next] = await Promise.all([addressOf(context.namespace, record.token), untouch])
    at = next
  }
  return 'missing'
}

export function isLoaded(found: LoadedSession | NotLoaded): found is LoadedSession {
  return typeof found === 'object' && 'record' in found
}
