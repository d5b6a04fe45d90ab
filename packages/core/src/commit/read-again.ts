import type { SessionAddress } from '../crypto/record-address.ts'
import { isLoaded, followForwards } from '../load/follow-forwards.ts'
import type { LoadedSession, ReadContext } from '../load/follow-forwards.ts'
import type { ShapeContext } from '../load/shape-record.ts'
import { shapeRecord } from '../load/shape-record.ts'

/**
 * Reads the session as it is stored now, through the schema, without extending its expiry. Otherwise returns the
 * outcome of the commit.
 */
export async function readAgain(
  context: ReadContext & ShapeContext,
  address: SessionAddress,
): Promise<LoadedSession | 'gone' | 'moved' | 'unavailable'> {
  const found = await followForwards(context, address)
  if (isLoaded(found)) {
    const record = await shapeRecord(context, found.address, found.record)
    return typeof record === 'string' ? 'unavailable' : { ...found, record }
  }
  if (found === 'missing') return 'gone'
  return typeof found === 'string' ? 'unavailable' : 'moved'
}
