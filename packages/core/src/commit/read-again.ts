import type { SessionAddress } from '../crypto/address.ts'
import { readRecord } from '../load/read-record.ts'
import type { LoadedSession, ReadContext } from '../load/read-record.ts'

/** The session as it is stored now, without moving its expiry; or the outcome of a commit that cannot have it. */
export async function readAgain(
  context: ReadContext,
  address: SessionAddress,
): Promise<LoadedSession | 'gone' | 'unavailable'> {
  const found = await readRecord(context, address)
  if (found === 'missing') return 'gone'
  return found === 'unreadable' ? 'unavailable' : found
}
