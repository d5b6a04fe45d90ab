import { hasEnded } from '../rules/lifetime.ts'
import { maxDuration, maxTries } from '../rules/retry.ts'
import type { SessionRecord } from '../store/record.ts'
import { newOwner } from '../subjects/subjects.ts'
import type { CommitContext } from './context.ts'
import { claim, relist } from './create.ts'
import { replay } from './edit.ts'
import type { Edit, Write, Written } from './edit.ts'
import { readAgain } from './read-again.ts'

/**
 * Moves the session to a new token: adds the new record, then deletes the old one under its version, so
 * that at no time two tokens work and no save in between is lost. If the old one is gone, a logout came
 * first, and the new one goes too.
 */
export async function renew(context: CommitContext, { edit, loaded }: Write): Promise<Written> {
  const { records, lifetime, now } = context
  const { signIn } = edit
  const deadline = now() + maxDuration
  const owner = signIn && (await newOwner(context, signIn.subject))
  let { address, record, version } = loaded
  let replayed = edit.record
  for (let tries = 1; ; tries++) {
    if (hasEnded(lifetime, record.createdAt, now())) return { outcome: 'gone', tries }
    const renewed = renewedRecord(replayed, edit, owner, now())
    const claimed = await claim(context, renewed, 'renewed', signIn)
    if (claimed.address === undefined) return { ...claimed, tries }
    const result = await records.delete(address.id, version)
    if (result === 'deleted') {
      await relist(context, record, renewed, claimed.address)
      return { ...claimed, tries }
    }
    const withdrawn = records.delete(claimed.address.id)
    const next = result === 'conflict' ? await readAgain(context, address) : null
    await withdrawn
    // A delete whose reply was lost may have been a logout's: the safe side is to issue no token.
    if (next === null) return { outcome: result === 'missing' ? 'gone' : 'unavailable', tries }
    if (typeof next === 'string') return { outcome: next, tries }
    if (tries >= maxTries || now() >= deadline) return { outcome: 'conflict', tries }
    await context.backOff(tries)
    ;({ address, record, version } = next)
    replayed = replay(record, edit, context)
  }
}

function renewedRecord(
  record: SessionRecord,
  { restart, root }: Edit,
  owner: SessionRecord['owner'],
  now: number,
): SessionRecord {
  return {
    ...record,
    createdAt: restart ? now : record.createdAt,
    renewedAt: now,
    rotatedAt: now,
    owner: owner ?? record.owner,
    root,
  }
}
