import { isEmpty } from '../rules/changes.ts'
import { claim, relist } from './create.ts'
import { saveOne } from './save.ts'
import { randomWriteId, replay } from './commit.ts'
import type { CommitContext, Done, Turn } from './commit.ts'
import { hasEnded } from '../rules/lifetime.ts'
import type { LoadedSession } from '../load/load.ts'
import type { SessionRecord } from '../store/record.ts'
import { addWrite, isPointer } from '../store/record.ts'
import type { Identity } from '../crypto/token.ts'

/** For how long an old token leads to the new one after a rotation, in milliseconds. */
export const pointerLife = 15_000

/**
 * Gives the session a new token because its time has come. The old record becomes a pointer to the new one
 * for a few seconds, so that requests that are under way with the old token find their session. Of several
 * that try at once the store lets one win; the others save what they have to save.
 */
export async function rotate(context: CommitContext, turn: Turn): Promise<Done> {
  const { entries, lifetime, settle, maxBytes, now } = context
  const { loaded } = turn
  if (hasEnded(lifetime, loaded.record.createdAt, now())) return { outcome: 'gone', tries: 1 }
  const replayed = replay(loaded.record, turn, settle, maxBytes)
  const writeId = randomWriteId(context.random)
  const record = { ...replayed, rotatedAt: now(), writes: addWrite(replayed.writes, writeId) }
  const claimed = await claim(context, record, 'rotated', { ...turn.fresh, owner: undefined })
  const { identity } = claimed
  if (identity === undefined) return claimed
  const pointer = { token: identity.token, until: now() + pointerLife }
  const result = await entries.save(loaded.identity, pointer, pointer.until, loaded.version)
  if (result === 'unavailable') return settleRotation(context, turn, record, claimed, writeId)
  if (result === 'saved') return placed(context, turn, record, claimed)
  await entries.delete(identity)
  if (result === 'missing') return { outcome: 'gone', tries: 1 }
  return isEmpty(turn.changes) ? { outcome: 'unchanged', tries: 1 } : saveOne(context, turn)
}

/** The pointer is in place: the new token is the session's. */
async function placed(
  context: CommitContext,
  turn: Turn,
  record: SessionRecord,
  claimed: Done,
): Promise<Done> {
  await relist(context, turn.loaded.record, record, claimed.identity as Identity, turn.fresh)
  return claimed
}

/**
 * The answer to the pointer was lost. If it is not there yet it may still arrive, so the old record is
 * written once more: then it has another version, and the pointer fits it no longer. Only then is the new
 * record safe to withdraw. If that write follows the pointer, it is in place after all, and the write id
 * in the new record says that the changes are there already.
 */
async function settleRotation(
  context: CommitContext,
  turn: Turn,
  record: SessionRecord,
  claimed: Done,
  writeId: number,
): Promise<Done> {
  const { entries } = context
  const identity = claimed.identity as Identity
  const isPlaced = await isPlacedAt(context, turn.loaded, identity)
  if (isPlaced === 'saved') return placed(context, turn, record, claimed)
  if (isPlaced === 'unavailable') return { outcome: 'unavailable', tries: 1 }
  const done = await saveOne(context, turn, writeId)
  if (done.outcome !== 'saved') return done
  if (done.identity?.id === identity.id) return placed(context, turn, record, claimed)
  await entries.delete(identity)
  return isEmpty(turn.changes) ? { ...done, outcome: 'unchanged' } : done
}

/** Whether the pointer is in place, its writer's reply having been lost. */
async function isPlacedAt(
  { entries }: CommitContext,
  { identity }: LoadedSession,
  target: Identity,
): Promise<'saved' | 'conflict' | 'missing' | 'unavailable'> {
  const found = await entries.load(identity)
  if (found === 'missing') return found
  if (typeof found === 'string') return 'unavailable'
  const { record } = found
  return isPointer(record) && record.token === target.token ? 'saved' : 'conflict'
}
