import type { Owner, SessionRecord } from '../store/record.ts'
import { delist, enlist, newOwner } from '../subjects/operations.ts'
import { claim } from './claim-token.ts'
import type { CommitContext } from './context.ts'
import type { Edit, Written } from './edit.ts'

/** Stores a new session under a new token. For a sign-in, it is first added to its subject's list. */
export async function create(context: CommitContext, edit: Edit): Promise<Written> {
  const { signIn, isRenewed, offer } = edit
  const { createdAt } = edit.record
  const owner = await newOwner(context, signIn?.subject)
  const isPersistent = signIn?.isPersistent
  const renewedAt = isRenewed ? createdAt : null
  const record = { ...edit.record, owner, renewedAt, isPersistent, device: offer }
  const listed = await list(context, record, signIn)
  if (listed !== 'saved') return { outcome: listed, tries: 1 }
  let isDone = false
  try {
    const { address, ...claimed } = await claim(context, record)
    if (address === undefined) return claimed
    isDone = true
    return { ...claimed, address, createdAt, isPersistent, owner }
  } finally {
    // An error here would hide the first one.
    if (!isDone && owner) await delist(context, owner).catch(() => {})
  }
}

/** Adds a session that signs in to its subject's list. A session that is missing from its list counts as ended. */
export async function list(
  context: CommitContext,
  { owner, createdAt, renewedAt, isPersistent }: SessionRecord,
  signIn: Edit['signIn'],
  former: Owner | null = null,
): Promise<'saved' | 'conflict' | 'unavailable'> {
  if (!signIn || !owner) return 'saved'
  const { label } = signIn
  const listed = { createdAt, renewedAt, seenAt: context.now(), label, isPersistent }
  const outcome = await enlist(context, owner, listed, former)
  return outcome === 'missing' ? 'unavailable' : outcome
}
