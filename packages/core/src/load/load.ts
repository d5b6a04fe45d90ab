import type { Address, SessionAddress } from '../crypto/address.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { addressOf } from '../crypto/token.ts'
import type { OnEvent } from '../events.ts'
import { idPrefixOf } from '../events.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import { hasEnded } from '../rules/lifetime.ts'
import type { LoadState } from '../rules/next-step.ts'
import type { Owner } from '../store/record.ts'
import { listAddresses, listAddressOf } from '../subjects/list.ts'
import type { ListStore, LoadedList } from '../subjects/list.ts'
import type { ListMemory } from './list-memory.ts'
import type { PendingLogouts } from './pending-logouts.ts'
import { readRecord } from './read-record.ts'
import type { LoadedSession, ReadContext } from './read-record.ts'

/** What a token led to. `address`: where the record is, or would be; `null` without a token. */
export interface Found {
  readonly state: LoadState
  readonly address: SessionAddress | null
  readonly loaded: LoadedSession | null
}

export const nothingFound: Found = { state: 'nothing', address: null, loaded: null }

/** There may be a session, but its cookie was not read, because the request came over plain http. */
export const insecure: Found = { state: 'unavailable', address: null, loaded: null }

export interface LoadContext extends ReadContext {
  readonly lists: ListStore
  readonly lifetime: Lifetime
  readonly keyring: Keyring
  readonly pendingLogouts: PendingLogouts
  readonly listMemory: ListMemory
  readonly onEvent: OnEvent
}

/** Loads a token's session: its record and, if it has a subject, its place in the subject's list. */
export async function load(context: LoadContext, token: string, touch: boolean): Promise<Found> {
  const { lists, lifetime, pendingLogouts, listMemory, now } = context
  const address = await addressOf(context.namespace, token)
  if (pendingLogouts.has(address.id)) return ending(context, address)
  const listAddress = listMemory.get(address.id)
  // Both reads leave in one tick, so a session with a subject costs one trip like any other.
  const [loaded, early] = await Promise.all([
    readRecord(context, address, touch ? now() + lifetime.idle : undefined),
    listAddress ? lists.load(listAddress) : null,
  ])
  if (loaded === 'unavailable' || loaded === 'unreadable') {
    return { state: loaded, address, loaded: null }
  }
  if (loaded === 'missing') return unknown(context, address)
  if (pendingLogouts.has(loaded.address.id)) return ending(context, loaded.address)
  const { createdAt, owner } = loaded.record
  if (hasEnded(lifetime, createdAt, now())) return unknown(context, address)
  const live: Found = { state: 'live', address: loaded.address, loaded }
  if (owner === null) return live
  const list = listAddress?.id === owner.listId ? early : await findList(context, address, owner)
  if (list === 'unavailable') return { state: list, address, loaded: null }
  return isListed(list, owner) ? live : unknown(context, address)
}

/**
 * The list that a session was tied to. `null` if the secret is gone that the list was named with: `revoke`
 * would not find it there.
 */
async function findList(
  { keyring, namespace, lists, listMemory }: LoadContext,
  { id }: Address,
  owner: Owner,
): Promise<Awaited<ReturnType<ListStore['load']>> | null> {
  const addresses = await listAddresses(keyring, namespace, owner.subject)
  if (!addresses.some((each) => each.id === owner.listId)) return null
  const address = listAddressOf(owner)
  listMemory.set(id, address)
  return lists.load(address)
}

function isListed(list: LoadedList | string | null, { ref }: Owner): boolean {
  return typeof list === 'object' && list !== null && list.record.has(ref)
}

function unknown({ onEvent }: LoadContext, { id }: Address): Found {
  onEvent({ type: 'token.unknown', idPrefix: idPrefixOf(id) })
  return nothingFound
}

/** A session that has ended for this process, but must still be destroyed in the store. */
function ending(context: LoadContext, address: SessionAddress): Found {
  return { ...unknown(context, address), state: 'unreadable', address }
}
