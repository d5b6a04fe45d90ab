import type { BoundedCache, CacheLimits } from '../bounded-cache.ts'
import type { Address } from '../crypto/record-address.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Owner } from '../store/record.ts'
import type { NotRead } from '../store/sealed-store.ts'
import { listAddresses, listAddressOf } from './list-record.ts'
import type { Listed, ListStore } from './list-record.ts'

/** Limits of `listAddressCache`. */
export const listAddressLimits: CacheLimits = { entries: 10_000, size: Infinity, age: 3_600_000 }

export interface MembershipContext {
  readonly lists: ListStore
  /**
   * The list addresses of recently seen sessions, by session id. They let a session and its list be read in one round
   * trip. A wrong or missing entry only costs one more round trip.
   */
  readonly listAddressCache: BoundedCache<Address>
  readonly keyring: Keyring
  readonly namespace: string
}

/** A list that was read along with its session, and its address. */
export interface EarlyList {
  readonly address: Address
  readonly found: Awaited<ReturnType<ListStore['load']>>
}

/**
 * Reads the subject's list of a recently seen session in parallel with the session, so that a session with a subject
 * takes one round trip like any other. `null`: the address of the list is not known yet.
 */
export function readListEarly(
  { lists, listAddressCache }: MembershipContext,
  sessionId: string,
): Promise<EarlyList> | null {
  const address = listAddressCache.get(sessionId)
  return address === undefined ? null : lists.load(address).then((found) => ({ address, found }))
}

/** The list entry of a session that has a subject. `missing`: it is not in the list, so it has ended. */
export async function listedOf(
  context: MembershipContext,
  sessionId: string,
  owner: Owner,
  early: EarlyList | null,
): Promise<Listed | NotRead> {
  const isRight = early !== null && early.address.id === owner.listId
  const found = isRight ? early.found : await findList(context, sessionId, owner)
  if (typeof found === 'string') return found
  return found.record?.get(owner.ref) ?? 'missing'
}

/** `missing` if the secret that named the list has been removed: `revoke` would not find the list there. */
async function findList(
  { lists, listAddressCache, keyring, namespace }: MembershipContext,
  sessionId: string,
  owner: Owner,
): Promise<EarlyList['found']> {
  const addresses = await listAddresses(keyring, namespace, owner.subject)
  if (!addresses.some(({ id }) => id === owner.listId)) return 'missing'
  const address = listAddressOf(owner)
  listAddressCache.set(sessionId, address, 1)
  return lists.load(address)
}
