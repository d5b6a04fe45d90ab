import { StoreError } from '@coatcheck/core/remote'
import type { Cas, Hit } from './client.ts'

/**
 * A hit with a copy of `bytes` from `start` to `end`. A cas of zero is an error: sent back, it
 * would match any version, and updates would be lost.
 */
export function createHit(bytes: Buffer, start: number, end: number, cas: Cas): Hit {
  if (isZero(cas)) {
    const message = 'memcached runs without cas (-C), so updates would be lost: start it without -C'
    throw new StoreError('config', message, { sent: true, answered: true })
  }
  return { value: Buffer.from(bytes.subarray(start, end)), cas }
}

/** Whether memcached would interpret this cas as "any version". */
export function isZero(cas: Cas): boolean {
  for (let at = 0; at < cas.length; at++) if (cas[at] !== 0) return false
  return true
}
