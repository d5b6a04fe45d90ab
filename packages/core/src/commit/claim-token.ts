import type { SessionAddress } from '../crypto/record-address.ts'
import { addressOf, createToken } from '../crypto/token.ts'
import { readEntry } from '../load/read-entry.ts'
import { sameBlock } from '../rules/diff-and-merge.ts'
import { firstExpiry, lifetimeOf } from '../rules/lifetime.ts'
import { maxClaims } from '../rules/retry-limits.ts'
import type { SessionRecord } from '../store/record.ts'
import { isRecord } from '../store/marks.ts'
import type { CommitContext } from './context.ts'

/** The result of a claim. `tries`: the number of writes. */
export type Claim =
  | { readonly outcome: 'created'; readonly tries: number; readonly address: SessionAddress }
  | {
      readonly outcome: 'conflict' | 'unavailable'
      readonly tries: number
      readonly address?: undefined
    }

/**
 * Creates a record under a new token. A token of 256 random bits is taken only if an attacker planted a record; then
 * another token is tried. After a lost reply, the record is read. If it is missing, the command may still arrive, even
 * after the session was signed out. So the next try uses another token, and no client ever has the token of the late
 * record.
 */
export async function claim(context: CommitContext, record: SessionRecord): Promise<Claim> {
  const { records, namespace, random, lifetimes } = context
  let lostAnswers = 0
  for (let tries = 1; tries <= maxClaims; tries++) {
    const address = await addressOf(namespace, createToken(random))
    lifetimes.note(address.id, record.isPersistent)
    const result = await records.create(address, record, expiryOf(context, record))
    if (result === 'created') return { outcome: result, tries, address }
    if (result === 'taken') continue
    const isOwn = await isThere(context, address, record)
    if (isOwn === true) return { outcome: 'created', tries, address }
    if (isOwn === 'unavailable' || ++lostAnswers > 1) return { outcome: 'unavailable', tries }
  }
  return { outcome: 'conflict', tries: maxClaims }
}

/** When the store may drop a new record. */
export function expiryOf({ lifetime, now }: CommitContext, record: SessionRecord): number {
  const { createdAt, renewedAt, owner, isPersistent } = record
  const isTrusted = renewedAt !== null || owner !== null
  return firstExpiry(lifetimeOf(lifetime, isPersistent), createdAt, now(), isTrusted)
}

/** Whether the record at an address is this one, compared by its root, which is random and unique to the session. */
async function isThere(
  context: CommitContext,
  address: SessionAddress,
  { root }: SessionRecord,
): Promise<boolean | 'unavailable'> {
  const found = await readEntry(context, address)
  if (typeof found === 'string') return found === 'missing' ? false : 'unavailable'
  return found.record !== null && isRecord(found.record) && sameBlock(found.record.root, root)
}
