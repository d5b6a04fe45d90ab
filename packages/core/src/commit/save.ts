import { isPromise } from '../crypto/is-promise.ts'
import { randomBytes } from '../crypto/random.ts'
import type { LoadedSession } from '../load/follow-forwards.ts'
import { expiresAt, hasEnded, lifetimeOf } from '../rules/lifetime.ts'
import { LoopStopwatch } from '../loop-stopwatch.ts'
import type { Outcome } from '../rules/next-step.ts'
import { givesUp, isMoving, triesToLongestWait } from '../rules/retry-limits.ts'
import { addWrite, hasWrite, writeIdLength } from '../store/record.ts'
import { freshest, replayAll, settleAll } from './replay-batch.ts'
import type { Replayed } from './replay-batch.ts'
import type { CommitContext } from './context.ts'
import type { Write, Written } from './edit.ts'
import type { Settled } from '../batch-queue.ts'
import { readAgain } from './read-again.ts'

type Ends = readonly Settled<Written>[]

/** Merges all waiting edits onto the freshest record that any of them loaded, or onto `start`, in one write. */
export async function saveAll(
  context: CommitContext,
  writes: readonly Write[],
  start: LoadedSession = freshest(writes),
): Promise<Ends> {
  const { records, now, random } = context
  const time = new LoopStopwatch(context)
  const writeId = randomBytes(random, writeIdLength)
  let loaded = start
  let savesBeforeLostReply: number | null = null
  /** Why edits are not in the saves whose replies were lost. */
  let lostErrors: Replayed['errors'] = []
  let tries = 1
  let waits = 0
  let waited = 0
  const unknown = (): Ends =>
    settleAll(writes, lostErrors, () => ({ outcome: 'unavailable', tries }))
  try {
    for (; ; tries++) {
      const { address, version } = loaded
      const { createdAt, movingUntil, isPersistent } = loaded.record
      const lifetime = lifetimeOf(context.lifetime, isPersistent)
      const replaying = replayAll(context, loaded, writes)
      const { record, errors } = isPromise(replaying) ? await replaying : replaying
      const all = (outcome: Outcome): Ends =>
        settleAll(writes, errors, () => ({ outcome, tries, address: loaded.address }))
      // A save whose reply was lost may still arrive, with other edits than these.
      if (lostErrors.some((error, at) => !error !== !errors[at])) return unknown()
      if (errors.every((error) => error !== null)) return all('unchanged')
      // After a lost reply it is unknown whether the session had the change before it ended or moved.
      const gone = savesBeforeLostReply === null ? 'gone' : 'unavailable'
      if (hasEnded(lifetime, createdAt, now())) return all(gone)
      const isHeld = isMoving(movingUntil, now())
      let isConflict = isHeld
      if (!isHeld) {
        const written = { ...record, writes: addWrite(record.writes, writeId) }
        const expiry = expiresAt(lifetime, createdAt, now())
        const result = await records.save(address, written, expiry, version)
        if (result === 'saved') return all('saved')
        if (result === 'missing') return all(gone)
        if (result === 'unavailable') {
          savesBeforeLostReply ??= loaded.record.writes.count
          lostErrors = errors
        }
        isConflict = result === 'conflict'
      }
      const failed = savesBeforeLostReply === null ? 'conflict' : 'unavailable'
      if (givesUp(tries, waits, time.passed - waited)) return all(failed)
      const before = time.passed
      if (isHeld) {
        // Waiting for a move is not a try, and may take longer than all tries together.
        tries--
        waits++
      } else time.start()
      if (isConflict) await context.backOff(isHeld ? triesToLongestWait : tries)
      const next = await readAgain(context, address)
      // The time of that wait does not count either.
      if (isHeld) waited += time.passed - before
      if (typeof next === 'string') return all(savesBeforeLostReply === null ? next : 'unavailable')
      loaded = next
      if (savesBeforeLostReply === null) continue
      const isIn = hasWrite(loaded.record.writes, writeId, savesBeforeLostReply)
      if (isIn === true) return all('saved')
      if (isIn === 'unknown') return all('unavailable')
    }
  } catch (error) {
    // The store may have the changes, and after an error the commit could be repeated.
    if (savesBeforeLostReply !== null) return unknown()
    throw error
  } finally {
    time.stop()
  }
}
