import { blankRecord, maxTries, replay } from './commit.ts'
import type { CommitContext, Done, Edit, Fresh } from './commit.ts'
import { firstExpiry } from '../rules/lifetime.ts'
import type { Listed } from '../subjects/list.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'
import { createToken, identify } from '../crypto/token.ts'
import type { Identity } from '../crypto/token.ts'

export async function create(context: CommitContext, edit: Edit): Promise<Done> {
  const { settle, maxBytes, now } = context
  const record = replay(blankRecord(now(), edit.fresh), edit, settle, maxBytes)
  return claim(context, record, 'created', edit.fresh)
}

/**
 * Adds the record under a fresh token; 256 random bits are taken only if somebody plants records. When the
 * answer to an add is lost, one more token is tried: what the lost one may have stored nobody can reach,
 * and it expires. A new tie to a subject goes into the subject's list first: a session that is not in the
 * list is over.
 */
export async function claim(
  context: CommitContext,
  record: SessionRecord,
  outcome: Outcome,
  fresh: Fresh,
): Promise<Done> {
  const { entries, namespace, lifetime, now, random } = context
  const { createdAt, renewedAt, owner } = record
  let lostAnswers = 0
  for (let tries = 1; ; tries++) {
    const identity = await identify(namespace, createToken(random))
    if (fresh.owner && !(await enlist(context, identity, record, fresh.label))) {
      return { outcome: 'unavailable', tries }
    }
    const trusted = renewedAt !== null || owner !== null
    const expiry = firstExpiry(lifetime, createdAt, now(), trusted)
    const result = await entries.create(identity, record, expiry)
    if (result === 'created') return { outcome, tries, identity, createdAt }
    if (result === 'unavailable' && lostAnswers++ > 0) return { outcome: 'unavailable', tries }
    if (tries >= maxTries) return { outcome: 'conflict', tries }
  }
}

async function enlist(
  { subjects }: CommitContext,
  identity: Identity,
  record: SessionRecord,
  label: string | null,
): Promise<boolean> {
  if (record.owner === null) return true
  return (await subjects.put(record.owner, listedOf(identity, record, label))) === 'saved'
}

function listedOf(
  { id }: Identity,
  { createdAt, renewedAt }: SessionRecord,
  label: string | null,
): Listed {
  return { id, createdAt, renewedAt, label }
}

/**
 * Tells the subject's list the session's new id, which it uses to see who is alive, and takes the session
 * out of the list that it left. If that fails, no session lives or dies by it.
 */
export async function relist(
  context: CommitContext,
  before: SessionRecord,
  after: SessionRecord,
  identity: Identity,
  fresh: Fresh,
): Promise<void> {
  const isSame = before.owner?.handle === after.owner?.handle
  if (before.owner !== null && !isSame) await context.subjects.remove(before.owner)
  if (after.owner === null || !isSame) return
  await context.subjects.update(after.owner, listedOf(identity, after, fresh.label))
}
