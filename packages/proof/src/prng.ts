/** Seeded random numbers: the same seed gives the same numbers on every machine. */
export interface Prng {
  /** A whole number from 0 up to 2^32 - 1. */
  readonly word: () => number
  /** A whole number from 0 up to `limit` - 1. */
  readonly below: (limit: number) => number
  /** True with this probability. */
  readonly chance: (probability: number) => boolean
  readonly pick: <item>(items: readonly item[]) => item
  readonly fill: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>
}

/** sfc32 (Chris Doty-Humphrey, PractRand), seeded by one number. */
export function createPrng(seed: number): Prng {
  let a = seed >>> 0
  let b = (seed ^ 0x9e3779b9) >>> 0
  let c = 0x243f6a88
  let counter = 1

  function word(): number {
    const sum = (a + b + counter) >>> 0
    counter = (counter + 1) >>> 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) >>> 0
    c = (((c << 21) | (c >>> 11)) + sum) >>> 0
    return sum
  }

  for (let round = 0; round < 12; round++) word()
  const below = (limit: number): number => Math.floor((word() / 2 ** 32) * limit)
  return {
    word,
    below,
    chance: (probability) => word() < probability * 2 ** 32,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    fill(bytes) {
      for (let at = 0; at < bytes.length; at++) bytes[at] = word() & 0xff
      return bytes
    },
  }
}
