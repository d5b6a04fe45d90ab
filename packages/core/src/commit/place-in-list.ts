import type { SignIn } from '../session/asked-for.ts'
import type { Owner, SessionRecord } from '../store/record.ts'
import { delist, updateListed } from '../subjects/operations.ts'
import { listedOf } from '../subjects/read-membership.ts'
import type { CommitContext } from './context.ts'

/**
 * Whether a session was removed from its subject's list, before a sign-in of another subject, or of none, takes over
 * its data. `unavailable`: the list cannot be read. The same subject may revoke all of its sessions and sign in again in one request.
 */
export async function isRevoked(
  context: CommitContext,
  id: string,
  owner: Owner | null,
  signIn: SignIn | null,
): Promise<boolean | 'unavailable'> {
  if (!owner || !signIn || signIn.subject === owner.subject) return false
  const listed = await listedOf(context, id, owner, null).catch(() => 'unavailable')
  return listed === 'missing' || (typeof listed === 'string' && 'unavailable')
}

/** Updates the list after a renewal, or removes the session that a sign-in has replaced. */
export async function updatePlace(
  context: CommitContext,
  owner: Owner,
  { owner: next, createdAt, renewedAt }: SessionRecord,
  seenAt: number,
): Promise<void> {
  try {
    if (next?.ref !== owner.ref) await delist(context, owner)
    else await updateListed(context, owner, { createdAt, renewedAt, seenAt })
  } catch {
    // The move is done. If this threw, the visitor would get no cookie and be signed out.
  }
}
