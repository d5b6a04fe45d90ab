import { maxDuration, maxTries, randomWriteId, reload, replay } from './commit.ts'
import type { CommitContext, Done, End, Turn } from './commit.ts'
import { expiresAt, hasEnded } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'
import { addWrite, hasWrite } from '../store/record.ts'

/**
 * Merges all waiting edits onto the freshest record that any of them loaded, in one write. `lostWriteId`: of
 * a write of theirs that may be stored already.
 */
export async function save(
  context: CommitContext,
  turns: readonly Turn[],
  lostWriteId?: number,
): Promise<End[]> {
  const { entries, lookup, lifetime, now, random } = context
  const writeId = lostWriteId ?? randomWriteId(random)
  const deadline = now() + maxDuration
  let { loaded } = turns.reduce((left, right) => (right.order > left.order ? right : left))
  let savesBeforeLostReply = lostWriteId === undefined ? null : loaded.record.writes.count
  for (let tries = 1; ; tries++) {
    const { identity, version } = loaded
    const { createdAt } = loaded.record
    const { record, ends } = replayAll(context, loaded.record, turns)
    const all = (outcome: Outcome): End[] =>
      ends.map((end) => end ?? { outcome, tries, identity: loaded.identity })
    if (ends.every((end) => end !== null)) return all('unchanged')
    // After a lost reply nobody knows whether what has ended, or moved to a new token, had the change.
    const gone = savesBeforeLostReply === null ? 'gone' : 'unavailable'
    if (hasEnded(lifetime, createdAt, now())) return all(gone)
    const written = { ...record, writes: addWrite(record.writes, writeId) }
    const expiry = expiresAt(lifetime, createdAt, now())
    const result = await entries.save(identity, written, expiry, version)
    if (result === 'saved') return all('saved')
    if (result === 'missing') return all(gone)
    if (result === 'unavailable') savesBeforeLostReply ??= loaded.record.writes.count
    const failed = savesBeforeLostReply === null ? 'conflict' : 'unavailable'
    if (tries >= maxTries || now() >= deadline) return all(failed)
    if (result === 'conflict') await context.backOff(tries)
    const next = await reload(lookup, identity)
    if (typeof next === 'string') return all(savesBeforeLostReply === null ? next : 'unavailable')
    loaded = next
    if (savesBeforeLostReply === null) continue
    const isIn = hasWrite(loaded.record.writes, writeId, savesBeforeLostReply)
    if (isIn === true) return all('saved')
    if (isIn === 'unknown') return all('unavailable')
  }
}

/** Replays one edit after the other; one that cannot be (too large, say) ends alone. */
function replayAll(
  { settle, maxBytes }: CommitContext,
  start: SessionRecord,
  turns: readonly Turn[],
): { readonly record: SessionRecord; readonly ends: readonly (End | null)[] } {
  let record = start
  const ends = turns.map((turn) => {
    try {
      record = replay(record, turn, settle, maxBytes)
      return null
    } catch (error) {
      return { error }
    }
  })
  return { record, ends }
}

export async function saveOne(
  context: CommitContext,
  turn: Turn,
  lostWriteId?: number,
): Promise<Done> {
  const [end] = (await save(context, [turn], lostWriteId)) as [End]
  if ('error' in end) throw end.error
  return end
}
