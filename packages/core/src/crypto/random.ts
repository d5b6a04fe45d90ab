import type { Bytes } from './crypto.ts'

/** Fills an array with bytes from a cryptographically secure source. */
export type RandomBytes = (bytes: Bytes) => unknown

export function randomBytes(random: RandomBytes, length: number): Bytes {
  const bytes = new Uint8Array(length)
  random(bytes)
  return bytes
}

/** A whole number of 32 bits. */
export function randomNumber(random: RandomBytes): number {
  return new DataView(randomBytes(random, 4).buffer).getUint32(0)
}

/** From 0, and below 1. */
export function randomChance(random: RandomBytes): number {
  return randomNumber(random) / 2 ** 32
}
