import { describe, expect, it } from 'vitest'
import { crypto as node } from './primitives-node.ts'
import { crypto as web } from './primitives-web.ts'
import { sameBytes } from './same-bytes.ts'

const bytes = Uint8Array.from({ length: 300 }, (_, at) => at % 251)

/** The same bytes as part of a larger buffer. */
function partOf(whole: Uint8Array): Uint8Array {
  const larger = new Uint8Array(whole.length + 20)
  larger.set(whole, 7)
  return larger.subarray(7, 7 + whole.length)
}

it('compares what arrays hold, wherever it lies', () => {
  expect(sameBytes(bytes, partOf(bytes))).toBe(true)
  expect(sameBytes(bytes, bytes.subarray(1))).toBe(false)
  expect(sameBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true)
})

describe.each([
  ['primitives-node', node],
  ['primitives-web', web],
])('%s', (_name, { isSame, keep, allocate }) => {
  it.each([
    ['bytes', bytes],
    ['kept bytes', keep(bytes)],
    ['a kept part of a larger buffer', keep(partOf(bytes))],
  ])('finds every byte that differs from %s', (_what, kept) => {
    expect(isSame(kept, bytes)).toBe(true)
    for (let at = 0; at < bytes.length; at++) {
      const other = partOf(bytes)
      expect(isSame(kept, other)).toBe(true)
      other[at] = (other[at] as number) ^ 1
      expect(isSame(kept, other)).toBe(false)
    }
  })

  it.each([0, 3, 300, 4096, 4097, 40_000])(
    'keeps a copy of %s bytes, of an array, a Buffer or a part, that no later change of it touches',
    (length) => {
      const whole = Uint8Array.from({ length }, (_, at) => at % 251)
      for (const each of [
        whole.slice(),
        partOf(whole),
        Buffer.from(whole),
        Buffer.alloc(length, whole),
      ]) {
        const kept = keep(each)
        each.fill(255)
        expect(kept.length).toBe(length)
        expect(isSame(kept, whole)).toBe(true)
        const held = typeof kept === 'string' ? kept.length : kept.buffer.byteLength
        expect(held).toBe(length)
      }
    },
  )

  it('allocates plain arrays that share no byte', () => {
    const arrays = [0, 1, 12, 300, 5000].map((length) => allocate(length).fill(length & 255))
    expect(arrays.map(({ length }) => length)).toEqual([0, 1, 12, 300, 5000])
    for (const array of arrays) {
      expect(Object.getPrototypeOf(array)).toBe(Uint8Array.prototype)
      expect(array.every((byte) => byte === (array.length & 255))).toBe(true)
    }
  })
})

it('on Node a small array is a part of a larger one, and not of the pool of Buffers', () => {
  expect(node.allocate(300).buffer.byteLength).toBeGreaterThan(300)
  expect(node.allocate(300).buffer).not.toBe(Buffer.from('x').buffer)
})

it('on Node a small array is kept as text, which is in the heap', () => {
  expect(node.keep(bytes)).toBeTypeOf('string')
  expect(node.keep(partOf(bytes))).toBeTypeOf('string')
})
