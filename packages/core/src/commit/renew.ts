import { claim, relist } from './create.ts'
import { maxDuration, maxTries, reload, replay } from './commit.ts'
import type { CommitContext, Done, Fresh, Turn } from './commit.ts'
import { hasEnded } from '../rules/lifetime.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { SessionRecord } from '../store/record.ts'

/**
 * Moves the session to a new token: adds the new record, then deletes the old one under its version, so
 * that at no time two tokens work and nobody's save in between is lost. If the old one is gone, a logout
 * came first, and the new one goes too.
 */
export async function renew(context: CommitContext, turn: Turn): Promise<Done> {
  const { entries, lookup, lifetime, settle, maxBytes, now } = context
  const deadline = now() + maxDuration
  let { loaded } = turn
  for (let tries = 1; ; tries++) {
    if (hasEnded(lifetime, loaded.record.createdAt, now())) return { outcome: 'gone', tries }
    const replayed = replay(loaded.record, turn, settle, maxBytes)
    const record = renewed(replayed, turn.fresh, now())
    const claimed = await claim(context, record, 'renewed', turn.fresh)
    if (claimed.identity === undefined) return { ...claimed, tries }
    const result = await entries.delete(loaded.identity, loaded.version)
    if (result === 'deleted') {
      await relist(context, loaded.record, record, claimed.identity, turn.fresh)
      return { ...claimed, tries }
    }
    const withdrawn = entries.delete(claimed.identity)
    const next = result === 'conflict' ? await reload(lookup, loaded.identity) : endOfRenew(result)
    await withdrawn
    if (typeof next === 'string') return { outcome: next, tries }
    if (tries >= maxTries || now() >= deadline) return { outcome: 'conflict', tries }
    await context.backOff(tries)
    loaded = next
  }
}

function renewed(record: SessionRecord, fresh: Fresh, now: number): SessionRecord {
  const { owner, restart, root } = fresh
  return {
    ...record,
    createdAt: restart ? now : record.createdAt,
    renewedAt: now,
    rotatedAt: now,
    owner: owner === undefined ? record.owner : owner,
    root,
  }
}

/** A delete whose reply was lost may have been a logout's: the safe side is to hand out nothing. */
function endOfRenew(result: 'missing' | 'unavailable'): Outcome {
  return result === 'missing' ? 'gone' : 'unavailable'
}
