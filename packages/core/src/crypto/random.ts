import type { Bytes } from './primitives.ts'

/** Fills an array with bytes from a cryptographically secure source. */
export type RandomBytes = (bytes: Bytes) => unknown

const pool = new Uint8Array(1024)
let used = pool.length

/** Longer ones are secrets, and are drawn one by one: what is in the pool is already in memory. */
const longestPooled = 12

/** Draws from the runtime: nonces and write ids many at a time, which takes a quarter of the time. */
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

/** From 0, and below 1. */
export function randomChance(random: RandomBytes): number {
  return randomBytes(random, 4).reduce((chance, byte) => chance * 256 + byte, 0) / 2 ** 32
}
