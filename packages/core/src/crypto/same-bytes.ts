import { crypto } from '#crypto'
import type { Crypto, Kept } from './primitives.ts'

/** A copy for later comparison. */
export const keepBytes: Crypto['keep'] = crypto.keep

/** Whether both have the same bytes. */
export function sameBytes(left: Kept, right: Uint8Array): boolean {
  return left.length === right.length && crypto.isSame(left, right)
}
