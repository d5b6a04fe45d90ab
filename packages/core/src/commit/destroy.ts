import type { SessionAddress } from '../crypto/address.ts'
import { readRecord } from '../load/read-record.ts'
import type { LoadedSession } from '../load/read-record.ts'
import { maxTries } from '../rules/retry.ts'
import { delist } from '../subjects/subjects.ts'
import type { CommitContext } from './context.ts'
import type { Written } from './edit.ts'

/** How often a sign-out that the store did not confirm is sent again: for about an hour. */
export const maxLogoutTries = 64

/**
 * Ends the session and takes it out of its subject's list. If the store does not confirm it, the session's id
 * is refused in this process, and the delete is sent again after 1, 2, 4 … 60 seconds.
 */
export async function destroy(
  context: CommitContext,
  address: SessionAddress,
  loaded: LoadedSession | null,
): Promise<Written> {
  const written = await deleteSession(context, address, loaded)
  if (written.outcome === 'unconfirmed' && context.pendingLogouts.add(address.id)) {
    void retry(context, address)
  }
  return written
}

async function retry(context: CommitContext, address: SessionAddress): Promise<void> {
  const { pendingLogouts, waitIdly } = context
  for (let tries = 0; tries < maxLogoutTries && pendingLogouts.has(address.id); tries++) {
    await waitIdly(Math.min(60, 2 ** tries) * 1000)
    // A wrong set-up rejects; it may be mended before the last try.
    const written = await deleteSession(context, address, null).catch(() => null)
    if (written !== null && written.outcome !== 'unconfirmed') break
  }
  pendingLogouts.delete(address.id)
}

async function deleteSession(
  context: CommitContext,
  address: SessionAddress,
  loaded: LoadedSession | null,
): Promise<Written> {
  const rotates = context.lifetime.rotate !== Infinity
  const written = rotates
    ? await deleteRotating(context, address, loaded)
    : await deletePlain(context, address)
  const owner = loaded?.record.owner
  if (written.outcome === 'destroyed' && owner) await delist(context, owner)
  return written
}

/**
 * Deleting twice is deleting once, so a lost reply is worth a second try. If that finds nothing, the first one
 * did it or the session was renewed in between: this token is over, and more is not known.
 */
async function deletePlain({ records }: CommitContext, { id }: SessionAddress): Promise<Written> {
  for (const tries of [1, 2]) {
    const result = await records.delete(id)
    if (result === 'deleted') return { outcome: 'destroyed', tries }
    if (result === 'missing') return { outcome: 'gone', tries }
  }
  return { outcome: 'unconfirmed', tries: 2 }
}

/**
 * Where tokens rotate, the record under the id may have become a forward meanwhile, and deleting that would
 * leave the session alive under its new token. So the delete insists on what was loaded, and follows.
 */
async function deleteRotating(
  context: CommitContext,
  address: SessionAddress,
  loaded: LoadedSession | null,
): Promise<Written> {
  const { records, backOff } = context
  let at = loaded
  let isSent = false
  for (let tries = 1; tries <= maxTries; tries++) {
    const found = at ?? (await readRecord(context, address))
    if (found === 'missing') return { outcome: 'gone', tries }
    if (found === 'unavailable' && isSent) break
    if (found === 'unreadable') return deleteUnread(context, address, tries)
    if (typeof found !== 'string') {
      const result = await records.delete(found.address.id, found.version)
      if (result === 'deleted') return { outcome: 'destroyed', tries }
      if (result === 'missing') return { outcome: 'gone', tries }
      if (result === 'conflict') await backOff(tries)
      else isSent = true
    } else if (tries > 1) break
    at = null
  }
  return { outcome: 'unconfirmed', tries: maxTries }
}

async function deleteUnread(
  { records }: CommitContext,
  { id }: SessionAddress,
  tries: number,
): Promise<Written> {
  const result = await records.delete(id)
  return { outcome: result === 'deleted' ? 'destroyed' : 'unconfirmed', tries }
}
