import type { SessionAddress } from '../crypto/record-address.ts'
import { addressOf } from '../crypto/token.ts'
import type { MovedMark, SessionRecord } from '../store/record.ts'
import { isForward, isMovedMark } from '../store/record.ts'
import type { Loaded, NotRead } from '../store/sealed-store.ts'
import { readEntry } from './read-entry.ts'
import type { EntryContext } from './read-entry.ts'

export interface LoadedSession extends Loaded<SessionRecord, SessionAddress> {
  /** Whether the token that was asked for is an old one, which a rotation has replaced. */
  readonly isForwarded: boolean
}

export interface ReadContext extends EntryContext {
  readonly now: () => number
}

/** What is there instead of a session. `moved`: it was renewed, and has another token. */
export type NotLoaded = NotRead | 'unreadable' | MovedMark

/**
 * Reads a session's record and follows one forward. With `expiresAt` it also moves the expiry of what it
 * reads.
 */
export async function readRecord(
  context: ReadContext,
  address: SessionAddress,
  expiresAt?: number,
): Promise<LoadedSession | NotLoaded> {
  const first = await readEntry(context, address, expiresAt)
  const found = toSession(context, first, false)
  if (typeof first === 'string' || first.record === null) return found
  if (!isForward(first.record)) return found
  if (context.now() >= first.record.until) return 'missing'
  const target = await addressOf(context.namespace, first.record.token)
  return toSession(context, await readEntry(context, target, expiresAt), true)
}

function toSession(
  { now }: ReadContext,
  found: Awaited<ReturnType<typeof readEntry<SessionAddress>>>,
  isForwarded: boolean,
): LoadedSession | NotLoaded {
  if (typeof found === 'string') return found
  const { address, record, version } = found
  if (record === null) return 'unreadable'
  if (isMovedMark(record)) return now() < record.until ? record : 'missing'
  // A forward leads to one token, never to another forward.
  if (isForward(record)) return 'missing'
  return { address, record, version, isForwarded }
}

export function isLoaded(found: LoadedSession | NotLoaded): found is LoadedSession {
  return typeof found === 'object' && 'record' in found
}
