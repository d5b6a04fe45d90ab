import type { SessionAddress } from '../crypto/address.ts'
import { randomNumber } from '../crypto/random.ts'
import { isEmpty } from '../rules/changes.ts'
import { hasEnded } from '../rules/lifetime.ts'
import type { SessionRecord } from '../store/record.ts'
import { addWrite, isForward } from '../store/record.ts'
import type { CommitContext } from './context.ts'
import { claim, relist } from './create.ts'
import type { Write, Written } from './edit.ts'
import { save } from './save.ts'

/** For how long an old token leads to the new one after a rotation, in milliseconds. */
export const forwardLife = 15_000

/** A session that has been claimed under a new token, with the write that put the changes in. */
interface Rotated {
  readonly address: SessionAddress
  readonly record: SessionRecord
  readonly writeId: number
  readonly written: Written
}

/**
 * Gives the session a new token because its token is due. The old record becomes a forward to the new one
 * for a few seconds, so that requests that are under way with the old token find their session. Of several
 * that try at once the store lets one win; the others save what they have to save.
 */
export async function rotate(context: CommitContext, write: Write): Promise<Written> {
  const { records, lifetime, now } = context
  const { edit, loaded } = write
  if (hasEnded(lifetime, loaded.record.createdAt, now())) return { outcome: 'gone', tries: 1 }
  const writeId = randomNumber(context.random)
  const writes = addWrite(edit.record.writes, writeId)
  const record = { ...edit.record, rotatedAt: now(), writes }
  const written = await claim(context, record, 'rotated', null)
  const { address } = written
  if (address === undefined) return written
  const forward = { token: address.token, until: now() + forwardLife }
  const result = await records.save(loaded.address, forward, forward.until, loaded.version)
  const rotated: Rotated = { address, record, writeId, written }
  if (result === 'unavailable') return confirmForward(context, write, rotated)
  if (result === 'saved') return finish(context, write, rotated)
  await records.delete(address.id)
  if (result === 'missing') return { outcome: 'gone', tries: 1 }
  return isEmpty(edit.changes) ? { outcome: 'unchanged', tries: 1 } : save(context, write)
}

/** The forward is in place: the new token is the session's. */
async function finish(
  context: CommitContext,
  { loaded }: Write,
  { address, record, written }: Rotated,
): Promise<Written> {
  await relist(context, loaded.record, record, address)
  return written
}

/**
 * The answer to the forward was lost. If it is not there yet it may still arrive, so the old record is
 * written once more: then it has another version, and the forward fits it no longer. Only then is the new
 * record safe to withdraw. If that write follows the forward, it is in place after all, and the write id
 * in the new record says that the changes are there already.
 */
async function confirmForward(
  context: CommitContext,
  write: Write,
  rotated: Rotated,
): Promise<Written> {
  const { address } = rotated
  const isPlaced = await isForwardTo(context, write.loaded.address, address)
  if (isPlaced === 'unavailable') return { outcome: 'unavailable', tries: 1 }
  if (isPlaced) return finish(context, write, rotated)
  const saved = await save(context, write, rotated.writeId)
  if (saved.outcome !== 'saved') return saved
  if (saved.address?.id === address.id) return finish(context, write, rotated)
  await context.records.delete(address.id)
  return isEmpty(write.edit.changes) ? { ...saved, outcome: 'unchanged' } : saved
}

async function isForwardTo(
  { records }: CommitContext,
  from: SessionAddress,
  to: SessionAddress,
): Promise<boolean | 'unavailable'> {
  const found = await records.load(from)
  if (found === 'missing') return false
  if (typeof found === 'string') return 'unavailable'
  return isForward(found.record) && found.record.token === to.token
}
