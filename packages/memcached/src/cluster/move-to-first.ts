import { randomBytes } from 'node:crypto'
import type { Cas, Client } from '../protocol/client.ts'
import { frame, isClaim } from './moving-frame.ts'

/** Seconds until a claim expires if its process ends. The record can be moved without it. */
const claimTtl = 60

export interface Move {
  readonly first: Client
  readonly second: Client
  readonly key: string
  /** The new value of the record. */
  readonly value: Uint8Array
  readonly ttl: number
  /** The record's version at the second server. */
  readonly cas: Cas
}

/**
 * Saves a record that is on the second server, and moves it to the first. There are no transactions across servers, so
 * the order matters:
 *
 * 1. *Claim* the key at the first. Only the last claim can become the record.
 * 2. *Freeze* the record at the second, with the new value, under its version. From here on it is saved, and a process
 *    that read the former version cannot save there.
 * 3. *Copy* it to the first, replacing the claim. A deletion goes to the second and then to the first: if it comes
 *    after step 2, it removes the claim or the copy.
 * 4. *Delete* it at the second. If that fails, the copy is marked, and is not written before the deletion is done.
 *
 * If the process ends in between, the next save continues.
 */
export async function moveToFirst({
  first,
  second,
  key,
  value,
  ttl,
  cas,
}: Move): Promise<'saved' | 'conflict' | 'missing'> {
  const claim = await claimKey(first, key)
  if (claim === null) return 'conflict'
  const result = await second.replace(key, frame('frozen', value), ttl, cas)
  if (result === 'missing') {
    // If the claim is still there, the first server has no record either.
    return (await first.delete(key, claim)) === 'deleted' ? result : 'conflict'
  }
  if (result === 'conflict') return result
  try {
    const copied = await first.replace(key, frame('copied', value), ttl, claim)
    if (copied === 'saved') await second.delete(key)
  } catch {
    // The record is saved; the next save continues the move.
  }
  return result
}

/** The version of our claim; `null` if there is a record, or another process was faster. */
async function claimKey(first: Client, key: string): Promise<Cas | null> {
  const found = await first.get(key)
  if (found !== null && !isClaim(found)) return null
  const claim = frame('claimed', randomBytes(8))
  const isOurs =
    found === null
      ? await first.add(key, claim, claimTtl)
      : (await first.replace(key, claim, claimTtl, found.cas)) === 'saved'
  const hit = isOurs ? await first.get(key) : null
  return hit !== null && Buffer.compare(hit.value, claim) === 0 ? hit.cas : null
}
