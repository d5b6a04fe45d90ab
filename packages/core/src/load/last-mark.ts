import { markAddressOf } from '../crypto/token.ts'
import { maxHops } from '../rules/retry-limits.ts'
import { isMovedMark } from '../store/marks.ts'
import type { MovedMark } from '../store/marks.ts'
import { readEntry } from './read-entry.ts'
import type { EntryContext } from './read-entry.ts'

/**
 * The mark that leads to where a moved session is now, however often it has moved. `missing`: the session has ended.
 */
export async function lastMark(
  context: EntryContext,
  mark: MovedMark,
): Promise<MovedMark | 'missing' | 'unavailable'> {
  let last = mark
  for (let hops = 0; hops < maxHops; hops++) {
    const found = await readEntry(context, markAddressOf(last.id, last.markKey))
    if (typeof found === 'string') return found === 'missing' ? found : 'unavailable'
    if (found.record === null || !isMovedMark(found.record)) break
    last = found.record
  }
  return last
}
