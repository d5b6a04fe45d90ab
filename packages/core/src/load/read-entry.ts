import type { SessionAddress, MarkAddress } from '../crypto/record-address.ts'
import { markAddressOf, markKeyOf } from '../crypto/token.ts'
import type { Entry } from '../store/marks.ts'
import type { Loaded, NotRead, SealedStore } from '../store/sealed-store.ts'

export interface EntryContext {
  readonly records: SealedStore<Entry>
  readonly namespace: string
}

/**
 * Reads the entry under a session's id: a record, a forward or a mark; `null` if it cannot be opened. A mark has its
 * own key, which is derived only if the record's key does not fit. `expiresAt` also moves the expiry.
 */
export function readEntry<at extends SessionAddress | MarkAddress>(
  { records, namespace }: EntryContext,
  address: at,
  expiresAt?: number,
): Promise<Loaded<Entry | null, at> | NotRead> {
  const otherKey = async (): Promise<MarkAddress | null> =>
    'token' in address ? markAddressOf(address.id, await markKeyOf(namespace, address.token)) : null
  return records.load(address, { expiresAt, otherKey, isQuiet: 'isMark' in address })
}
