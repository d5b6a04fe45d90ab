import type { SessionAddress } from '../crypto/address.ts'
import { addressOf } from '../crypto/token.ts'
import type { Entry, SessionRecord } from '../store/record.ts'
import { isForward } from '../store/record.ts'
import type { Loaded, SealedStore } from '../store/sealed-store.ts'

export type LoadedSession = Loaded<SessionRecord, SessionAddress>

export interface ReadContext {
  readonly records: SealedStore<Entry>
  readonly namespace: string
  readonly now: () => number
}

/**
 * Reads a session's record and follows one forward. With `expiresAt` it also moves the expiry of what it
 * reads.
 */
export async function readRecord(
  { records, namespace, now }: ReadContext,
  address: SessionAddress,
  expiresAt?: number,
): Promise<LoadedSession | 'missing' | 'unreadable' | 'unavailable'> {
  const first = await records.load(address, expiresAt)
  if (typeof first === 'string' || !isForward(first.record)) return first as LoadedSession
  if (now() >= first.record.until) return 'missing'
  const next = await records.load(await addressOf(namespace, first.record.token), expiresAt)
  if (typeof next === 'string') return next
  return isForward(next.record) ? 'missing' : (next as LoadedSession)
}
