import type { SessionAddress } from '../crypto/address.ts'
import { addressOf, createToken } from '../crypto/token.ts'
import { firstExpiry } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import { maxTries } from '../rules/retry.ts'
import type { SessionRecord } from '../store/record.ts'
import type { Listed } from '../subjects/list.ts'
import { delist, enlist, newOwner, updateListed } from '../subjects/subjects.ts'
import type { CommitContext } from './context.ts'
import type { Edit, Written } from './edit.ts'

/** Stores a new session under a fresh token. */
export async function create(context: CommitContext, edit: Edit): Promise<Written> {
  const { record, signIn, isRenewed } = edit
  const owner = signIn && (await newOwner(context, signIn.subject))
  const created = { ...record, owner, renewedAt: isRenewed ? record.createdAt : null }
  return claim(context, created, 'created', signIn)
}

/**
 * Adds the record under a fresh token; 256 random bits are taken only if records are planted. When the answer
 * to an add is lost, one more token is tried: what the lost one may have stored has no cookie, and expires.
 * With a sign-in the session goes into its subject's list first: a session that is not in the list is over.
 */
export async function claim(
  context: CommitContext,
  record: SessionRecord,
  outcome: Outcome,
  signIn: Edit['signIn'],
): Promise<Written> {
  const { records, namespace, lifetime, now, random } = context
  const { createdAt, renewedAt, owner } = record
  const isTrusted = renewedAt !== null || owner !== null
  let lostAnswers = 0
  for (let tries = 1; ; tries++) {
    const address = await addressOf(namespace, createToken(random))
    if (signIn !== null && owner !== null) {
      const listed = listedOf(address, record, signIn.label)
      const enlisted = await enlist(context, owner, listed)
      if (enlisted !== 'saved') return { outcome: 'unavailable', tries }
    }
    const expiry = firstExpiry(lifetime, createdAt, now(), isTrusted)
    const result = await records.create(address, record, expiry)
    if (result === 'created') return { outcome, tries, address, createdAt }
    if (result === 'unavailable' && lostAnswers++ > 0) return { outcome: 'unavailable', tries }
    if (tries >= maxTries) return { outcome: 'conflict', tries }
  }
}

/**
 * Tells the subject's list the session's new id, which it uses to see which sessions are alive, and takes the
 * session out of the list that it left. If that fails, no session lives or dies by it.
 */
export async function relist(
  context: CommitContext,
  before: SessionRecord,
  after: SessionRecord,
  address: SessionAddress,
): Promise<void> {
  const isSame = before.owner?.ref === after.owner?.ref
  if (before.owner !== null && !isSame) await delist(context, before.owner)
  if (after.owner === null || !isSame) return
  await updateListed(context, after.owner, listedOf(address, after, null))
}

function listedOf(
  { id }: SessionAddress,
  { createdAt, renewedAt }: SessionRecord,
  label: string | null,
): Listed {
  return { id, createdAt, renewedAt, label }
}
