import type { MarkAddress, SessionAddress } from '../crypto/record-address.ts'
import { addressOf, markAddressOf } from '../crypto/token.ts'
import { readEntry } from '../load/read-entry.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { maxHops } from '../rules/retry-limits.ts'
import type { Entry } from '../store/marks.ts'
import { isForward, isMovedMark } from '../store/marks.ts'
import type { ListOutcome } from '../subjects/change-list.ts'
import { delist } from '../subjects/operations.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'
import { retrySignOut } from './retry-sign-out.ts'

/**
 * Ends the session, wherever it has moved, and takes it out of its subject's list. If the store does not confirm
 * it, the session's id is refused in this process, and the sign-out is tried again.
 */
export async function destroy(
  context: CommitContext,
  address: SessionAddress,
  loaded: LoadedSession | null,
): Promise<Written> {
  const written = await endSession(context, address, loaded)
  if (written.outcome === 'unconfirmed' && context.refusedIds.add(address.id)) {
    const endAgain = (): Promise<Written> => endSession(context, address, null)
    context.waitUntil(retrySignOut(context, address, endAgain))
  }
  return written
}

const doneOutcomes: readonly ListOutcome[] = ['saved', 'missing']

type Reading = Awaited<ReturnType<typeof readEntry<SessionAddress | MarkAddress>>>

/**
 * Deletes the session under its version: if it has moved meanwhile, its old id holds a forward or a mark, and
 * deleting that would leave the session alive. Both are followed. A lost reply is settled by trying again.
 */
async function endSession(
  context: CommitContext,
  address: SessionAddress,
  loaded: LoadedSession | null,
): Promise<Written> {
  const { records, backOff, now } = context
  let at: SessionAddress | MarkAddress = address
  let owner = loaded?.record.owner ?? null
  let known: Reading | null = loaded
  let outages = 0
  let deletes = 0
  const end = async (outcome: 'destroyed' | 'gone'): Promise<Written> => {
    // A delete whose answer was lost may have ended it as well.
    if (owner !== null && (outcome === 'destroyed' || deletes > 0)) await delist(context, owner)
    return { outcome, tries: Math.max(deletes, 1) }
  }
  for (let turn = 1; turn <= maxHops && outages < 2; turn++) {
    const found: Reading = known ?? (await readEntry(context, at))
    known = null
    if (found === 'missing') return end('gone')
    if (found === 'unavailable') {
      outages++
      continue
    }
    // It may be the mark of a move, and deleting that would leave the session alive.
    if (found === 'unknown-secret') return { outcome: 'unconfirmed', tries: Math.max(deletes, 1) }
    at = found.address
    const entry = found.record
    if (entry !== null && 'kind' in entry) {
      if (now() >= entry.until) return end('gone')
      if (isMovedMark(entry)) ({ owner } = entry)
      at = await targetOf(context, entry)
      continue
    }
    if (entry !== null) ({ owner } = entry)
    // It may be the forward of a rotation, which a mark does not open: then the list alone ends the session.
    else if (owner !== null && !doneOutcomes.includes(await delist(context, owner))) {
      outages++
      continue
    }
    deletes++
    const result = await records.delete(at.id, found.version)
    if (result === 'deleted') return end('destroyed')
    if (result === 'missing') return end('gone')
    if (result === 'unavailable') outages++
    else await backOff(turn)
  }
  return { outcome: 'unconfirmed', tries: Math.max(deletes, outages) }
}

async function targetOf(
  { namespace }: CommitContext,
  entry: Exclude<Entry, { readonly createdAt: number }>,
): Promise<SessionAddress | MarkAddress> {
  return isForward(entry)
    ? addressOf(namespace, entry.token)
    : markAddressOf(entry.id, entry.markKey)
}
