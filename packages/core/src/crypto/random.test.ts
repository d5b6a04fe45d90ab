import { describe, expect, it } from 'vitest'
import type { RandomBytes } from './random.ts'
import { randomBytes, randomChance, secureRandom } from './random.ts'

/** Gives these bytes, and notes how many were asked for. */
function from(...given: number[]): { random: RandomBytes; asked: number[] } {
  const asked: number[] = []
  return {
    asked,
    random: (bytes) => {
      asked.push(bytes.length)
      bytes.set(given.slice(0, bytes.length))
    },
  }
}

describe('randomBytes', () => {
  it('S6: asks the source once, for as many bytes as are wanted', () => {
    const { random, asked } = from(1, 2, 3, 4, 5)
    expect(randomBytes(random, 5)).toEqual(Uint8Array.of(1, 2, 3, 4, 5))
    expect(asked).toEqual([5])
    expect(randomBytes(random, 0)).toEqual(new Uint8Array(0))
  })

  it('gives an array of its own every time', () => {
    const { random } = from(1)
    expect(randomBytes(random, 1)).not.toBe(randomBytes(random, 1))
  })
})

describe('randomChance', () => {
  it('is from 0, and below 1', () => {
    const { random, asked } = from(0, 0, 1, 2)
    expect(randomChance(random)).toBe(258 / 2 ** 32)
    expect(asked).toEqual([4])
    expect(randomChance(from(0, 0, 0, 0).random)).toBe(0)
    expect(randomChance(from(0x80, 0, 0, 0).random)).toBe(0.5)
    const most = randomChance(from(0xff, 0xff, 0xff, 0xff).random)
    expect(most).toBeLessThan(1)
    expect(most).toBeGreaterThan(0.999)
  })
})

describe('secureRandom', () => {
  it.each([4, 12, 13, 32])('S6: gives %i bytes that are never given again', (length) => {
    const all = Array.from({ length: 2000 }, () => {
      const bytes = new Uint8Array(length)
      secureRandom(bytes)
      return Buffer.from(bytes).toString('hex')
    })
    // Of 2,000 numbers of 32 bits two are alike with a chance of 1 in 2,000, and three with one of 10^-10.
    expect(new Set(all).size).toBeGreaterThanOrEqual(length === 4 ? 1999 : 2000)
  })

  it('fills every byte', () => {
    const seen = new Uint8Array(12)
    for (let draw = 0; draw < 200; draw++) {
      const bytes = new Uint8Array(12)
      secureRandom(bytes)
      for (const [at, byte] of bytes.entries()) if (byte !== 0) seen[at] = 1
    }
    expect(seen).toEqual(new Uint8Array(12).fill(1))
  })
})
