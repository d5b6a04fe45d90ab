import type { SessionAddress } from '../crypto/record-address.ts'
import { isLoaded, followForwards } from '../load/follow-forwards.ts'
import type { LoadedSession, ReadContext } from '../load/follow-forwards.ts'
import type { ShapeContext } from '../load/shape-record.ts'
import { shapeRecord } from '../load/shape-record.ts'

/**
 * The session as it is stored now, through the schema, without moving its expiry; or the outcome of a commit that
 * cannot have it.
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
