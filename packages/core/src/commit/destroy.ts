import type { MarkAddress, SessionAddress } from '../crypto/record-address.ts'
import { addressOf, markAddressOf } from '../crypto/token.ts'
import { readEntry } from '../load/read-entry.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Outcome } from '../rules/next-step.ts'
import { maxHops } from '../rules/retry-limits.ts'
import { isForward, isMovedMark } from '../store/marks.ts'
import type { Entry, MovedMark } from '../store/marks.ts'
import type { Owner } from '../store/record.ts'
import type { ListOutcome } from '../subjects/change-list.ts'
import { delist } from '../subjects/operations.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'
import { markLife } from './leave-under-old-id.ts'
import { retrySignOut } from './retry-sign-out.ts'

/**
 * Ends the session, also if it was moved, and removes it from its subject's list. If the store does not confirm this,
 * the process refuses the id of the session, and retries the sign-out. `mark`: the one that the load found at `address`.
 */
export async function destroy(
  context: CommitContext,
  address: SessionAddress,
  loaded: LoadedSession | null,
  owner: Owner | null = null,
  mark?: MovedMark,
): Promise<Written> {
  // Without a subject, a record that this mark cannot open may soon be the forward of a rotation, which begins two
  // minutes after a renewal at the earliest: one minute after its mark has expired.
  const isKnown = mark && (owner || context.now() - mark.until < markLife / 2)
  const start = isKnown ? markAddressOf(mark.id, mark.markKey) : address
  const ending: Ending = { at: start, owner, isAgain: false }
  const written = await endSession(context, ending, loaded)
  if (written.outcome === 'unconfirmed' && context.refusedIds.add(address.id)) {
    ending.isAgain = true
    const endAgain = (): Promise<Written> => endSession(context, ending, null)
    context.waitUntil(retrySignOut(context, address, ending, endAgain))
  }
  return written
}

/** The progress of a sign-out. The next try continues from here, because the marks on the way may have expired. */
interface Ending {
  at: SessionAddress | MarkAddress
  owner: Owner | null
  isAgain: boolean
}

const doneOutcomes: readonly ListOutcome[] = ['saved', 'missing']

type Reading = Awaited<ReturnType<typeof readEntry<SessionAddress | MarkAddress>>>

/**
 * Deletes the session if it still has its version. If it was moved, its old id holds a forward or a mark, which is
 * followed, since deleting it would leave the session alive. Retries after a lost reply.
 */
async function endSession(
  context: CommitContext,
  ending: Ending,
  loaded: LoadedSession | null,
): Promise<Written> {
  const { records, backOff, now } = context
  let known: Reading | null = loaded
  let outages = 0
  let deletes = 0
  const written = (outcome: Outcome): Written => ({
    outcome,
    tries: Math.max(deletes, outages, 1),
  })
  const end = async (outcome: 'destroyed' | 'gone'): Promise<Written> => {
    const { owner, isAgain } = ending
    if (owner === null) return written(outcome)
    const listed = await delist(context, owner)
    // Another process may have moved the session in the meantime; then only removing it from the list ends it.
    const mayLive = (isAgain || outcome === 'gone') && !doneOutcomes.includes(listed)
    return written(mayLive ? 'unconfirmed' : outcome)
  }
  for (let turn = 1; turn <= maxHops && outages < 2; turn++) {
    const found: Reading = known ?? (await readEntry(context, ending.at))
    known = null
    if (found === 'missing') return end('gone')
    if (found === 'unavailable') {
      outages++
      continue
    }
    // It may be the mark of a move; deleting it would leave the session alive.
    if (found === 'unknown-secret') return written('unconfirmed')
    const entry = found.record
    if (entry !== null && 'kind' in entry) {
      if (now() >= entry.until) return end('gone')
      if (isMovedMark(entry)) ending.owner = entry.owner
      ending.at = await targetOf(context, entry)
      continue
    }
    const { owner } = ending
    if (entry !== null) ending.owner = entry.owner
    // It may be the forward of a rotation, which a mark's key cannot open; then only removing it from the list ends the
    // session.
    else if (owner !== null && !doneOutcomes.includes(await delist(context, owner))) {
      outages++
      continue
    }
    deletes++
    const result = await records.delete(ending.at.id, found.version)
    if (result === 'deleted') return end('destroyed')
    if (result === 'missing') return end('gone')
    if (result === 'unavailable') outages++
    else await backOff(turn)
  }
  return written('unconfirmed')
}

async function targetOf(
  { namespace }: CommitContext,
  entry: Exclude<Entry, { readonly createdAt: number }>,
): Promise<SessionAddress | MarkAddress> {
  return isForward(entry)
    ? addressOf(namespace, entry.token)
    : markAddressOf(entry.id, entry.markKey)
}
