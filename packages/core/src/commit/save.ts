import { randomNumber } from '../crypto/random.ts'
import type { LoadedSession } from '../load/read-record.ts'
import { expiresAt, hasEnded } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import { maxDuration, maxTries } from '../rules/retry.ts'
import type { SessionRecord } from '../store/record.ts'
import { addWrite, hasWrite } from '../store/record.ts'
import type { CommitContext } from './context.ts'
import { replay } from './edit.ts'
import type { Write, Written } from './edit.ts'
import type { Settled } from './queue.ts'
import { readAgain } from './read-again.ts'

/**
 * Merges all waiting edits onto the freshest record that any of them loaded, in one write. `lostWriteId`: of
 * a write of the same edits that may be stored already.
 */
export async function saveAll(
  context: CommitContext,
  writes: readonly Write[],
  lostWriteId?: number,
): Promise<readonly Settled<Written>[]> {
  const { records, lifetime, now, random } = context
  const writeId = lostWriteId ?? randomNumber(random)
  const deadline = now() + maxDuration
  let loaded = freshest(writes)
  let savesBeforeLostReply = lostWriteId === undefined ? null : loaded.record.writes.count
  for (let tries = 1; ; tries++) {
    const { address, version } = loaded
    const { createdAt } = loaded.record
    const { record, errors } = replayAll(context, loaded, writes)
    const all = (outcome: Outcome): Settled<Written>[] =>
      errors.map((error) => error ?? { result: { outcome, tries, address: loaded.address } })
    if (errors.every((error) => error !== null)) return all('unchanged')
    // After a lost reply it is unknown whether what has ended, or moved to a new token, had the change.
    const gone = savesBeforeLostReply === null ? 'gone' : 'unavailable'
    if (hasEnded(lifetime, createdAt, now())) return all(gone)
    const written = { ...record, writes: addWrite(record.writes, writeId) }
    const expiry = expiresAt(lifetime, createdAt, now())
    const result = await records.save(address, written, expiry, version)
    if (result === 'saved') return all('saved')
    if (result === 'missing') return all(gone)
    if (result === 'unavailable') savesBeforeLostReply ??= loaded.record.writes.count
    const failed = savesBeforeLostReply === null ? 'conflict' : 'unavailable'
    if (tries >= maxTries || now() >= deadline) return all(failed)
    if (result === 'conflict') await context.backOff(tries)
    const next = await readAgain(context, address)
    if (typeof next === 'string') return all(savesBeforeLostReply === null ? next : 'unavailable')
    loaded = next
    if (savesBeforeLostReply === null) continue
    const isIn = hasWrite(loaded.record.writes, writeId, savesBeforeLostReply)
    if (isIn === true) return all('saved')
    if (isIn === 'unknown') return all('unavailable')
  }
}

/** Saves one edit. */
export async function save(
  context: CommitContext,
  write: Write,
  lostWriteId?: number,
): Promise<Written> {
  const [end] = (await saveAll(context, [write], lostWriteId)) as [Settled<Written>]
  if ('error' in end) throw end.error
  return end.result
}

function freshest(writes: readonly Write[]): LoadedSession {
  return writes.reduce((left, right) => (right.order > left.order ? right : left)).loaded
}

/** Replays one edit after the other; one that cannot be replayed (too large, say) ends alone. */
function replayAll(
  context: CommitContext,
  loaded: LoadedSession,
  writes: readonly Write[],
): {
  readonly record: SessionRecord
  readonly errors: readonly ({ readonly error: unknown } | null)[]
} {
  let { record } = loaded
  const errors = writes.map(({ edit, loaded: own }) => {
    try {
      // The plan has replayed each edit onto its own record already.
      const isOwn = own === loaded && record === loaded.record
      record = isOwn ? edit.record : replay(record, edit, context)
      return null
    } catch (error) {
      return { error }
    }
  })
  return { record, errors }
}
