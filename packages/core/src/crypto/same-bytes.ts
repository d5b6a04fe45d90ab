import { crypto } from '#crypto'

/** Whether two arrays hold the same bytes. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && crypto.isSame(left, right)
}
