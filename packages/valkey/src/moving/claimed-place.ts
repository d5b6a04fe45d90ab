import type { SessionStore } from '@coatcheck/core'
import { StoreError } from '@coatcheck/core/remote'
import { createClaim, isClaim, isSame, readDeparted } from './frames.ts'
import type { Departed } from './frames.ts'

/**
 * How a record came to its place, or did not. `taken`: another record is there. `departed`: that one is on its way from there.
 * `refused`: it may not be there. `lost`: another process had the claim, or ended it.
 */
export type Put = 'put' | 'taken' | 'departed' | 'refused' | 'lost'

/** Milliseconds that a claim stays whose process has stopped. Others do not wait for that. */
const claimLife = 60_000

/**
 * Puts a record where there is none, if it may be there. A claim takes the place first, then `mayPut` looks, and the record
 * replaces the claim under its version. So a process may stop between any two steps, and for any time: what it looked at
 * then counts no more, as the claim is gone.
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
  // What was seen before another process made its claim says nothing about that one.
  const isStillOwn = isSame(there.bytes, claim)
  const isAllowed = isStillOwn ? early === true : await mayPut(there.bytes)
  if (isAllowed) {
    const saved = await store.save(id, bytes, expiresAt, there.version)
    return saved === 'saved' ? 'put' : 'lost'
  }
  if (isStillOwn) await store.delete(id, there.version)
  return 'refused'
}

/** Whether a store has no record, and will get none by a claim that was made before. */
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

/** How often a record is looked at that other processes change. */
export const maxTries = 16

export function changing(): StoreError {
  const message = 'Other processes change the record all the time'
  return new StoreError('unavailable', message, { sent: true, answered: true })
}
