import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Encoder, encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { decodeFrame, encodeFrame, memoryOf } from './record-frame.ts'
import { encodeValue } from './value.ts'

const parts = fc.oneof(
  fc.maxSafeNat(),
  fc.string({ unit: 'binary' }),
  fc.uint8Array(),
  fc.constant(null),
  fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
)

describe('a frame', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (frame) => {
        const back = decodeFrame(encodeFrame(frame)) as unknown[]
        expect(back).toEqual(frame)
      }),
      { numRuns: 500 },
    )
  })

  it('is MessagePack', () => {
    expect(encodeFrame([1, 'a', null])).toEqual(encode([1, 'a', null]))
    expect([...encodeFrame([1, 'a'])]).toEqual([0x92, 1, 0xa1, 0x61])
  })

  it('has bytes that a later frame does not change', () => {
    const first = encodeFrame(['first'])
    const copy = first.slice()
    encodeFrame(['other', 'and', 'longer'])
    expect(first).toEqual(copy)
  })

  it('leaves nothing in what the encoders write to, nor does a value', () => {
    const written = vi.spyOn(Encoder.prototype, 'encodeSharedRef')
    encodeFrame(['a token', new Uint8Array(20_000).fill(7)])
    encodeValue('key', { deep: ['a secret', 'x'.repeat(20_000)] })
    expect(written.mock.results).toHaveLength(2)
    for (const { value } of written.mock.results) {
      expect((value as Uint8Array).length).toBeGreaterThan(20_000)
      expect((value as Uint8Array).every((byte) => byte === 0)).toBe(true)
    }
    written.mockRestore()
  })

  it('is decoded with views of the bytes, not copies', () => {
    const bytes = encodeFrame([Uint8Array.of(1, 2, 3)])
    const [block] = decodeFrame(bytes) as [Uint8Array]
    expect(block).toEqual(Uint8Array.of(1, 2, 3))
    expect(block.buffer).toBe(bytes.buffer)
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['text', 'abc'],
    ['bytes', Uint8Array.of(1)],
    ['a map', { 0: 1 }],
    ['a date', new Date(5)],
  ])('S43: is null for %s', (_name, value) => {
    expect(decodeFrame(encode(value))).toBeNull()
  })

  it('S43: is null for bytes that are not well formed, and announces nothing', () => {
    expect(decodeFrame(new Uint8Array(0))).toBeNull()
    expect(decodeFrame(Uint8Array.of(0xdd, 255, 255, 255, 255))).toBeNull()
    expect(decodeFrame(new Uint8Array(100_000).fill(0x91))).toBeNull()
    expect(decodeFrame(Uint8Array.of(0x91))).toBeNull()
    expect(decodeFrame(Uint8Array.of(0x90, 0))).toBeNull()
    expect(decodeFrame(Uint8Array.of(0x90))).toEqual([])
  })

  it('S43: is null for what the decoder itself refuses', () => {
    const duplicate = new Encoder().encode([{ __proto__x: 1 }])
    expect(decodeFrame(duplicate)).not.toBeNull()
    const forbidden = Uint8Array.from(
      [0x91, 0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 1],
      (byte) => byte,
    )
    expect(decodeFrame(forbidden)).toBeNull()
  })

  it('S43: never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const frame = decodeFrame(bytes)
        expect(frame === null || Array.isArray(frame)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

/** Bytes on the heap that a decoded frame with so many keys takes. */
async function heapOf(keys: number): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Some garbage of earlier tests goes by a second collection only, and not in the turn of the first.
  const heap = async (): Promise<number> => {
    for (let least = Infinity; ;) {
      await setImmediate()
      collect()
      const { heapUsed } = process.memoryUsage()
      if (heapUsed >= least) return least
      least = heapUsed
    }
  }
  const entries = Array.from({ length: keys }, (_, at) => [`key ${at}`, Uint8Array.of(at)])
  const bytes = encodeFrame([4, Object.fromEntries(entries)])
  const copies = Array.from({ length: 30_000 / keys }, () => bytes.slice())
  const held: unknown[] = copies.map(() => null)
  const before = await heap()
  copies.forEach((copy, at) => (held[at] = decodeFrame(copy)))
  return ((await heap()) - before) / held.length
}

describe('the memory of a decoded frame', () => {
  it.each([10, 100])('is about what a frame of %s keys takes', async (keys) => {
    // What bounds a cache needs the magnitude, not the byte.
    const share = (await heapOf(keys)) / memoryOf(keys)
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(1.25)
  })
})
