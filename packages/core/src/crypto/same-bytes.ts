import { crypto } from '#crypto'
import type { Kept } from './primitives.ts'

/** Whether two hold the same bytes. */
export function sameBytes(left: Kept, right: Uint8Array): boolean {
  return left.length === right.length && crypto.isSame(left, right)
}
