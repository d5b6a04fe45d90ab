import { isPromise } from '../crypto/is-promise.ts'
import type { Address, SessionAddress } from '../crypto/record-address.ts'
import { addressOf } from '../crypto/token.ts'
import type { OnEvent } from '../events.ts'
import { idPrefixOf } from '../events.ts'
import { endOf, hasEnded, isLifetimeKnown, lifetimeOf } from '../rules/lifetime.ts'
import type { LoadState, Why } from '../rules/next-step.ts'
import type { MovedMark } from '../store/marks.ts'
import type { Owner } from '../store/record.ts'
import type { ListContext } from '../subjects/change-list.ts'
import { isSeenDue } from '../subjects/list-record.ts'
import { noteSeen } from '../subjects/operations.ts'
import { listedOf, readListEarly } from '../subjects/read-membership.ts'
import type { MembershipContext } from '../subjects/read-membership.ts'
import type { RefusedIds } from './refused-ids.ts'
import { isLoaded, followForwards } from './follow-forwards.ts'
import type { LoadedSession, NotLoaded } from './follow-forwards.ts'
import { touchAndRead } from './touch.ts'
import type { TouchContext } from './touch.ts'

/** The result of loading a token. `address`: where the record is, or would be; `null` without a token. */
export interface Found {
  readonly state: LoadState
  readonly address: SessionAddress | null
  readonly loaded: LoadedSession | null
  /** Whether a save must also record the use in the subject's list. False if it has been recorded already. */
  readonly isSeenDue: boolean
  /** The mark of a session that has moved. It may have expired by the time of a sign-out. */
  readonly mark?: MovedMark
  /** The owner, if it is known without the record. */
  readonly owner?: Owner | null | undefined
  /** Details that the state does not give. */
  readonly why?: Why | undefined
}

export const nothingFound: Found = {
  state: 'nothing',
  address: null,
  loaded: null,
  isSeenDue: false,
}

/** There may be a session, but its cookie was not read because the request came over plain http. */
export const insecure: Found = { ...nothingFound, state: 'unavailable', why: 'insecure' }

export interface LoadContext extends TouchContext, MembershipContext, ListContext {
  readonly refusedIds: RefusedIds
  readonly onEvent: OnEvent
}

/**
 * Loads the session of a token: its record and, if it has a subject, its entry in the subject's list. `touch` moves the
 * idle end.
 */
export async function load(context: LoadContext, token: string, touch: boolean): Promise<Found> {
  const { lifetime, refusedIds, now } = context
  const addressing = addressOf(context.namespace, token)
  const address = isPromise(addressing) ? await addressing : addressing
  if (refusedIds.has(address.id)) return ending(context, address)
  const reading = touch ? touchAndRead(context, address) : followForwards(context, address)
  const early = readListEarly(context, address.id)
  // Both reads are sent in the same tick: one round trip.
  const [loaded, list] =
    early === null ? [await reading, null] : await Promise.all([reading, early])
  if (loaded === 'missing') return unknown(context, address)
  if (!isLoaded(loaded)) return notLoaded(address, loaded)
  if (refusedIds.has(loaded.address.id)) return ending(context, loaded.address, loaded.record.owner)
  const { createdAt, owner, isPersistent } = loaded.record
  const own = lifetimeOf(lifetime, isPersistent)
  if (hasEnded(own, createdAt, now())) {
    if (touch && isLifetimeKnown(lifetime, isPersistent)) {
      // Otherwise each read would keep the record for another idle time, beyond the life of the secret that opens it.
      const expiresAt = endOf(own, createdAt) + own.idle
      await context.records.load(loaded.address, { expiresAt, isQuiet: true }).catch(() => {})
    }
    return unknown(context, address, 'ended')
  }
  if (loaded.isReused || (loaded.isForwarded && !loaded.record.isTokenUnused)) {
    context.onEvent({ type: 'token.reused', idPrefix: idPrefixOf(address.id) })
  }
  const live: Found = { state: 'live', address: loaded.address, loaded, isSeenDue: false, owner }
  if (owner === null) return live
  const listed = await listedOf(context, address.id, owner, list)
  if (listed === 'missing') return movedOrUnknown(context, address)
  if (typeof listed === 'string') return withheld(live, listed)
  const isDue = isSeenDue(listed, lifetime, now())
  // Recorded now, because the idle end has moved and not every request commits.
  if (isDue && touch) await noteSeen(context, loaded.record)
  return { ...live, isSeenDue: isDue && !touch }
}

/** A session that exists, but is not given to the handler. */
export function withheld(found: Found, state: LoadState, why?: Why): Found {
  return { ...found, state, loaded: null, why }
}

/**
 * A session that is missing from its subject's list has ended, or was just moved by a sign-in, which has left a mark by
 * now.
 */
async function movedOrUnknown(context: LoadContext, address: SessionAddress): Promise<Found> {
  const found = await followForwards(context, address)
  const isOver = found === 'missing' || isLoaded(found)
  return isOver ? unknown(context, address, 'revoked') : notLoaded(address, found)
}

function notLoaded(address: SessionAddress, found: Exclude<NotLoaded, 'missing'>): Found {
  if (typeof found === 'string') return { ...nothingFound, state: found, address }
  return { ...nothingFound, state: 'moved', address, mark: found, owner: found.owner }
}

function unknown({ onEvent }: LoadContext, { id }: Address, why?: Why): Found {
  onEvent({ type: 'token.unknown', idPrefix: idPrefixOf(id) })
  return { ...nothingFound, why }
}

/** A session that has ended for this process, but must still be destroyed in the store. */
function ending(context: LoadContext, address: SessionAddress, owner?: Owner | null): Found {
  return { ...unknown(context, address, 'signing-out'), state: 'unreadable', address, owner }
}
