import { markAddressOf } from '../crypto/token.ts'
import { maxHops } from '../rules/retry-limits.ts'
import { isMovedMark } from '../store/marks.ts'
import type { MovedMark } from '../store/marks.ts'
import { readEntry } from './read-entry.ts'
import type { EntryContext } from './read-entry.ts'

/** Whether a moved session still exists, however often it has moved since. */
export async function isStillAlive(
  context: EntryContext,
  mark: MovedMark,
): Promise<boolean | 'unavailable'> {
  let { id, markKey } = mark
  for (let hops = 0; hops < maxHops; hops++) {
    const found = await readEntry(context, markAddressOf(id, markKey))
    if (typeof found === 'string') return found === 'missing' ? false : 'unavailable'
    if (found.record === null || !isMovedMark(found.record)) return true
    ;({ id, markKey } = found.record)
  }
  return true
}
