import type { SessionAddress } from '../crypto/record-address.ts'
import { isLoaded, readRecord } from '../load/read-record.ts'
import type { LoadedSession, ReadContext } from '../load/read-record.ts'

/** The session as it is stored now, without moving its expiry; or the outcome of a commit that cannot have it. */
export async function readAgain(
  context: ReadContext,
  address: SessionAddress,
): Promise<LoadedSession | 'gone' | 'moved' | 'unavailable'> {
  const found = await readRecord(context, address)
  if (isLoaded(found)) return found
  if (found === 'missing') return 'gone'
  return typeof found === 'string' ? 'unavailable' : 'moved'
}
