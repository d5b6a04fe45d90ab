import { Decoder, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomFrom } from '../../test/fakes/random.ts'
import { encodeValue } from './value.ts'
import { isWellFormed, maxDepth } from './wire-format.ts'

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

/** The real decoder, kept from allocating too much, and taking any extension and any key. */
function realDecoder(length: number): Decoder {
  return new Decoder({
    extensionCodec: { tryToEncode: () => null, decode: () => 'extension' },
    mapKeyConverter: () => 'key',
    maxArrayLength: length,
    maxMapLength: length,
  })
}

function decodes(bytes: Uint8Array): boolean {
  try {
    realDecoder(bytes.length).decode(bytes)
    return true
  } catch {
    return false
  }
}

describe('isWellFormed', () => {
  it.each<[string, string]>([
    ['array16 of 2^16 - 1', 'dc ffff'],
    ['array32 of 2^32 - 1', 'dd ffffffff'],
    ['array32 of 2^24', 'dd 01000000'],
    ['map16 of 2^16 - 1', 'de ffff'],
    ['map32 of 2^32 - 1', 'df ffffffff'],
    ['map32 of 2^31, whose count doubles past 32 bits', 'df 80000000'],
    ['str8', 'd9 ff'],
    ['str16', 'da ffff'],
    ['str32', 'db ffffffff'],
    ['bin8', 'c4 ff'],
    ['bin16', 'c5 ffff'],
    ['bin32', 'c6 ffffffff'],
    ['ext8', 'c7 ff 01'],
    ['ext16', 'c8 ffff 01'],
    ['ext32', 'c9 ffffffff 01'],
    ['array32 inside a Map extension', 'c7 05 03 dd ffffffff'],
    ['map32 inside a Set extension', 'c7 05 04 df ffffffff'],
    ['20 nested array32 of 2^24, which abort a process', 'dd 01000000 '.repeat(20)],
    ['fixarray of 15 with 14 elements', `9f ${'00'.repeat(14)}`],
    ['fixmap of 15 with 29 items', `8f ${'00'.repeat(29)}`],
  ])('S43: refuses %s where fewer bytes follow', (_kind, hex) => {
    expect(isWellFormed(bytesOf(hex))).toBe(false)
  })

  it.each<[string, string]>([
    ['a fixmap of 15', `8f ${'00'.repeat(30)}`],
    ['a fixarray of 15', `9f ${'00'.repeat(15)}`],
    ['ext8', 'c7 02 01 0000'],
    ['ext16', 'c8 0002 01 0000'],
    ['ext32', 'c9 00000002 01 0000'],
    ['fixext 1', 'd4 01 00'],
    ['fixext 2', `d5 01 ${'00'.repeat(2)}`],
    ['fixext 4', `d6 01 ${'00'.repeat(4)}`],
    ['fixext 8', `d7 01 ${'00'.repeat(8)}`],
    ['fixext 16', `d8 01 ${'00'.repeat(16)}`],
    ['a Map extension with an empty fixarray', 'd4 03 90'],
    ['a Set extension with an empty fixarray', 'd4 04 90'],
    ['a Map extension with a fixarray of 15', `c7 10 03 9f ${'c0'.repeat(15)}`],
    ['a Set extension with array16', 'c7 03 04 dc 0000'],
    ['a Map extension with array32', 'c7 05 03 dd 00000000'],
  ])('accepts %s', (_kind, hex) => {
    expect(isWellFormed(bytesOf(hex))).toBe(true)
    expect(isWellFormed(bytesOf(`91 ${hex}`))).toBe(true)
    expect(isWellFormed(bytesOf(`${hex} 00`))).toBe(false)
  })

  it.each<[string, string]>([
    ['nil', 'd4 03 c0'],
    ['a number', 'd4 04 00'],
    ['a fixmap', 'd4 03 80'],
    ['empty text', 'd4 04 a0'],
    ['map16', 'c7 03 03 de 0000'],
    ['map32', 'c7 05 04 df 00000000'],
    ['nothing', 'c7 00 03'],
    ['two arrays', 'd5 03 9090'],
    ['an array whose items are outside', 'd4 03 91 00'],
    ['another Map that is no array', 'c7 03 03 d4 03 90'],
  ])('refuses a Map or Set extension with %s, which its decoder would not take', (_kind, hex) => {
    expect(isWellFormed(bytesOf(hex))).toBe(false)
  })

  it('S43: refuses a million levels of nesting, of every container', () => {
    for (const level of ['91', '81a161', 'dc0001', 'dd00000001', 'de0001a161', 'df00000001a161']) {
      expect(isWellFormed(bytesOf(`${level.repeat(1_000_000)}c0`))).toBe(false)
    }
  })

  it('allows exactly as many levels as a value may have', () => {
    for (const level of ['91', '81a161', 'dc0001', 'dd00000001', 'de0001a161', 'df00000001a161']) {
      expect(isWellFormed(bytesOf(`${level.repeat(maxDepth)}c0`))).toBe(true)
      expect(isWellFormed(bytesOf(`${level.repeat(maxDepth + 1)}c0`))).toBe(false)
    }
  })

  it('refuses no bytes, the unused byte, and bytes after the value', () => {
    expect(isWellFormed(new Uint8Array(0))).toBe(false)
    expect(isWellFormed(bytesOf('c1'))).toBe(false)
    expect(isWellFormed(bytesOf('c0c0'))).toBe(false)
  })

  it('refuses every value cut short, whatever it is', () => {
    const values = [2 ** 40, -40_000, 1.5, 'x'.repeat(300), new Uint8Array(70_000), new Date(1), {}]
    const whole = encode([values, { values }, 2 ** 31, 200, -200, 70_000])
    expect(isWellFormed(whole)).toBe(true)
    for (let length = 0; length < 400; length++) {
      expect(isWellFormed(whole.subarray(0, length))).toBe(false)
    }
  })

  it('reads a part of a buffer as if it were the whole', () => {
    const buffer = bytesOf('93 010203 ff')
    expect(isWellFormed(buffer.subarray(0, 4))).toBe(true)
    expect(isWellFormed(buffer.subarray(0, 3))).toBe(false)
  })

  it('accepts all that the encoder makes', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }),
        (value) => {
          let block: Uint8Array
          try {
            block = encodeValue('k', value)
          } catch {
            return
          }
          expect(isWellFormed(block)).toBe(true)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('agrees with the real decoder on 100,000 inputs, made up or mutated from valid ones', () => {
    const random = randomFrom(20_260_315)
    const sound = [
      encode({ a: [1, -1, 1.5, 2 ** 40, -(2 ** 40), 300, -300, 70_000], b: { c: 'é', d: null } }),
      encode([new Date(0), new Date(1.5e12), new Uint8Array(9), [true, [[[]]]], 'x'.repeat(40)]),
      encode(Array.from({ length: 20 }, (_, at) => ({ [`k${at}`]: [at] }))),
    ]
    const seen = { yes: 0, no: 0 }
    for (let run = 0; run < 100_000; run++) {
      const valid = sound[run % 3] as Uint8Array
      const bytes = run % 2 === 0 ? inventBytes(random) : damage(valid, random)
      // As types of extensions 3 and 4 are Map and Set, whose inside is judged too.
      if (bytes.includes(3) || bytes.includes(4)) continue
      const answer = isWellFormed(bytes)
      seen[answer ? 'yes' : 'no']++
      if (answer !== decodes(bytes)) {
        throw new Error(`${answer} for ${Buffer.from(bytes).toString('hex')}`)
      }
    }
    expect(seen.yes).toBeGreaterThan(10_000)
    expect(seen.no).toBeGreaterThan(10_000)
  })
})

/** A few bytes, most of them small containers and the heads that are followed by a length. */
function inventBytes(random: (below: number) => number): Uint8Array {
  const kinds = [0x80, 0x90, 0xa0, 0xc0, 0xd0, 0xe0]
  return Uint8Array.from({ length: random(16) }, () => {
    const kind = kinds[random(kinds.length)] as number
    return random(3) === 0 ? random(12) : kind + random(kind < 0xc0 ? 3 : 16)
  })
}

function damage(sound: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = [...sound]
  for (let left = random(3); left > 0; left--) {
    const at = random(bytes.length)
    const way = random(4)
    if (way === 0) bytes.splice(at, 1 + random(3))
    else if (way === 1) bytes.splice(at, 0, random(256))
    else bytes[at] = way === 2 ? random(256) : 0x80 + random(0x60)
  }
  return Uint8Array.from(bytes)
}
