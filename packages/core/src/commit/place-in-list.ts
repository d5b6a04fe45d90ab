import type { LoadedSession } from '../load/follow-forwards.ts'
import type { Owner, SessionRecord } from '../store/record.ts'
import { delist, updateListed } from '../subjects/operations.ts'
import { listedOf } from '../subjects/read-membership.ts'
import type { CommitContext } from './context.ts'
import type { Write } from './edit.ts'

/**
 * Whether the session that is to be moved was removed from its subject's list. `next`: the owner after a sign-in. Not
 * read for a sign-in of the same subject, which may have revoked all sessions for it, nor for a renewal: `keepPlace`
 * finds out.
 */
export async function isRevoked(
  context: CommitContext,
  { address, record: { owner } }: LoadedSession,
  step: Write['step'],
  next: Owner | null,
): Promise<boolean> {
  if (owner === null || step === 'renew' || next?.subject === owner.subject) return false
  // An outage is no revocation.
  const listed = await listedOf(context, address.id, owner, null).catch(() => null)
  return listed === 'missing'
}

/** Updates the list after a move. False if the session was revoked in the meantime. */
export async function keepPlace(
  context: CommitContext,
  step: Write['step'],
  {
    before,
    after: { createdAt, renewedAt },
    seenAt,
  }: {
    readonly before: Owner | null
    readonly after: SessionRecord
    readonly seenAt: number
  },
): Promise<boolean> {
  if (before === null || step === 'rotate') return true
  try {
    if (step === 'renew') {
      const listed = await updateListed(context, before, { createdAt, renewedAt, seenAt })
      return listed !== 'missing'
    }
    await delist(context, before)
  } catch {
    // The move is done. If this threw, the visitor would get no cookie and be signed out.
  }
  return true
}
