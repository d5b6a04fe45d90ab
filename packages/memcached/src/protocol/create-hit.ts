import { StoreError } from '@coatcheck/core/remote'
import type { Cas, Hit } from './client.ts'

/**
 * From this length on a copy has memory of its own, and is no `Buffer`: then the core can keep it as it is. A smaller one
 * comes from the pool of `Buffer`, which takes a third of the time.
 */
const large = 16 * 1024

/**
 * A hit with a copy of `bytes` from `start` to `end`. A cas of zero is an error: sent back, it
 * would match any version, and updates would be lost.
 */
export function createHit(bytes: Buffer, start: number, end: number, cas: Cas): Hit {
  if (isZero(cas)) {
    const message = 'memcached runs without cas (-C), so updates would be lost: start it without -C'
    throw new StoreError('config', message, { sent: true, answered: true })
  }
  return { value: copyOf(bytes.subarray(start, end)), cas }
}

function copyOf(bytes: Buffer): Uint8Array {
  return bytes.length < large ? Buffer.from(bytes) : new Uint8Array(bytes)
}

/** Whether memcached would take this cas for "any version". */
export function isZero(cas: Cas): boolean {
  for (let at = 0; at < cas.length; at++) if (cas[at] !== 0) return false
  return true
}
