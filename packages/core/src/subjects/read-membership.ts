import type { BoundedCache, CacheLimits } from '../bounded-cache.ts'
import type { Address } from '../crypto/record-address.ts'
import type { Keyring } from '../crypto/keyring.ts'
import type { Owner } from '../store/record.ts'
import type { NotRead } from '../store/sealed-store.ts'
import { listAddresses, listAddressOf } from './list-record.ts'
import type { Listed, ListStore } from './list-record.ts'

/** Of `listAddressCache`. */
export const listAddressLimits: CacheLimits = { entries: 10_000, size: Infinity, age: 3_600_000 }

export interface MembershipContext {
  readonly lists: ListStore
  /**
   * Where the lists of sessions seen lately are, by the session's id. With it a session and its list are read in one
   * trip. A wrong or missing entry costs one trip more, and nothing else.
   */
  readonly listAddressCache: BoundedCache<Address>
  readonly keyring: Keyring
  readonly namespace: string
}

/** A list that was read before its session, and where. */
export interface EarlyList {
  readonly address: Address
  readonly found: Awaited<ReturnType<ListStore['load']>>
}

/**
 * Reads the subject's list of a session seen lately, beside the session itself: then a session with a subject
 * costs one trip like any other. `null`: it is not known yet where the list is.
 */
export function readListEarly(
  { lists, listAddressCache }: MembershipContext,
  sessionId: string,
): Promise<EarlyList> | null {
  const address = listAddressCache.get(sessionId)
  return address === undefined ? null : lists.load(address).then((found) => ({ address, found }))
}

/**
 * What the subject's list says of a session that has a subject. `missing`: it is not in there, so it is over.
 */
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

/** `missing` if the secret is gone that the list was named with: `revoke` would not find it there. */
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
