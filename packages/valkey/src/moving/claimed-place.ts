import type { SessionStore } from '@coatcheck/core'
import { StoreError } from '@coatcheck/core/remote'
import { createClaim, isClaim, isSame, readDeparted } from './frames.ts'
import type { Departed } from './frames.ts'

/**
 * The result of putting a record. `taken`: another record is there. `departed`: a record that is moving away is there.
 * `refused`: `mayPut` did not allow it. `lost`: another process had or removed the claim.
 */
export type Put = 'put' | 'taken' | 'departed' | 'refused' | 'lost'

/** The lifetime in milliseconds of a claim whose process has stopped. Others do not wait for its end. */
const claimLife = 60_000

/**
 * Puts a record where there is none, if that is allowed. First a claim takes the place, then `mayPut` checks, then the
 * record replaces the claim under its version. So a process may pause between any two steps for any time: if its check
 * is outdated by then, its claim is gone.
 */
export async function putUnderClaim(
  store: SessionStore,
  id: string,
  { bytes, expiresAt }: Departed,
  now: number,
  mayPut: (claim: Uint8Array) => Promise<boolean>,
): Promise<Put> {
  const claim = createClaim()
  const isOwn = await store.create(id, claim, now + claimLife)
  const looking = isOwn ? mayPut(claim) : null
  const [there, early] = await Promise.all([store.load(id), looking])
  if (there === null) return 'lost'
  if (!isClaim(there.bytes)) return readDeparted(there.bytes) === null ? 'taken' : 'departed'
  // A check made before another process created its claim says nothing about that claim.
  const isStillOwn = isSame(there.bytes, claim)
  const isAllowed = isStillOwn ? early === true : await mayPut(there.bytes)
  if (isAllowed) {
    const saved = await store.save(id, bytes, expiresAt, there.version)
    return saved === 'saved' ? 'put' : 'lost'
  }
  if (isStillOwn) await store.delete(id, there.version)
  return 'refused'
}

/** Whether a store has no record, and will not get one through an earlier claim, which is deleted. */
export async function isFree(
  store: SessionStore,
  id: string,
  ownClaim: Uint8Array,
): Promise<boolean> {
  for (let tries = 0; tries < maxTries; tries++) {
    const there = await store.load(id)
    if (there === null) return true
    if (!isClaim(there.bytes)) return false
    if (isSame(there.bytes, ownClaim)) throw onePlace()
    if ((await store.delete(id, there.version)) === 'deleted') return true
  }
  throw changing()
}

export function onePlace(): StoreError {
  const message = 'movingStore: from and to are one place: give to a server or a prefix of its own'
  return new StoreError('config', message, { sent: true, answered: true })
}

/** The maximum number of attempts on a record that other processes keep changing. */
export const maxTries = 16

export function changing(): StoreError {
  const message = 'Other processes change the record all the time'
  return new StoreError('unavailable', message, { sent: true, answered: true })
}
