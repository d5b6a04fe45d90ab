import { maxTries } from './commit.ts'
import type { CommitContext, Done } from './commit.ts'
import type { LoadedSession } from '../load/load.ts'
import type { Entry } from '../store/record.ts'
import type { Identity } from '../crypto/token.ts'
import type { Vault } from '../store/sealed-store.ts'

/** Ends the session, and takes it out of its subject's list. */
export async function destroy(
  context: CommitContext,
  identity: Identity,
  loaded: LoadedSession | null,
): Promise<Done> {
  const rotates = context.lifetime.rotate !== Infinity
  const done = rotates
    ? await destroyRotating(context, identity, loaded)
    : await destroyPlain(context, identity)
  const owner = loaded?.record.owner
  if (done.outcome === 'destroyed' && owner) await context.subjects.remove(owner)
  return done
}

/**
 * Deleting twice is deleting once, so a lost reply is worth a second try. If that finds nothing, it was the
 * first one, or somebody renewed the session in between: this token leads nowhere, and more is not known.
 */
async function destroyPlain({ entries }: CommitContext, identity: Identity): Promise<Done> {
  for (const tries of [1, 2]) {
    const result = await entries.delete(identity)
    if (result === 'deleted') return { outcome: 'destroyed', tries }
    if (result === 'missing') return { outcome: 'gone', tries }
  }
  return { outcome: 'unconfirmed', tries: 2 }
}

/**
 * Where tokens rotate, what is under the id may have become a pointer meanwhile, and deleting that would
 * leave the session alive under its new token. So the delete insists on what was loaded, and follows.
 */
async function destroyRotating(
  { entries, lookup, backOff }: CommitContext,
  identity: Identity,
  loaded: LoadedSession | null,
): Promise<Done> {
  let at = loaded
  let isSent = false
  for (let tries = 1; tries <= maxTries; tries++) {
    const found = at ?? (await lookup.reload(identity))
    if (found === 'missing') return { outcome: 'gone', tries }
    if (found === 'unavailable' && isSent) break
    if (found === 'unreadable') return destroyUnread(entries, identity, tries)
    if (typeof found !== 'string') {
      const result = await entries.delete(found.identity, found.version)
      if (result === 'deleted') return { outcome: 'destroyed', tries }
      if (result === 'missing') return { outcome: 'gone', tries }
      if (result === 'conflict') await backOff(tries)
      else isSent = true
    } else if (tries > 1) break
    at = null
  }
  return { outcome: 'unconfirmed', tries: maxTries }
}

async function destroyUnread(
  entries: Vault<Entry>,
  identity: Identity,
  tries: number,
): Promise<Done> {
  const result = await entries.delete(identity)
  return { outcome: result === 'deleted' ? 'destroyed' : 'unconfirmed', tries }
}
