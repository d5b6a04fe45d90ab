import type { Bytes } from './primitives.ts'

/** Fills an array with bytes from a cryptographically secure source. */
export type RandomBytes = (bytes: Bytes) => unknown

const pool = new Uint8Array(1024)
let used = pool.length

/** Longer values are secrets and bypass the pool, whose contents are in memory before they are used. */
const longestPooled = 12

/** Uses the runtime's source. Nonces and write ids are drawn in bulk, which takes a quarter of the time. */
export function secureRandom(bytes: Bytes): void {
  if (bytes.length > longestPooled) {
    crypto.getRandomValues(bytes)
    return
  }
  if (used + bytes.length > pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  const end = used + bytes.length
  bytes.set(pool.subarray(used, end))
  pool.fill(0, used, end)
  used = end
}

export function randomBytes(random: RandomBytes, length: number): Bytes {
  const bytes = new Uint8Array(length)
  random(bytes)
  return bytes
}

/** A number from 0 (inclusive) to 1 (exclusive). */
export function randomChance(random: RandomBytes): number {
  return randomBytes(random, 4).reduce((chance, byte) => chance * 256 + byte, 0) / 2 ** 32
}
