import fc from 'fast-check'
import { expect, it } from 'vitest'
import { copyBytes } from './copy-bytes.ts'

it('copies, and gives no byte away twice', () => {
  const sizes = fc.array(fc.oneof(fc.nat(600), fc.nat(100_000)), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, (lengths) => {
      const copies = lengths.map((length, at) => copyBytes(new Uint8Array(length).fill(at + 1)))
      copies.forEach((copy, at) => {
        expect(copy.length).toBe(lengths[at])
        expect(copy.every((byte) => byte === at + 1)).toBe(true)
      })
    }),
  )
})

it('goes on after the memory of a copy was given to another thread', () => {
  const copy = copyBytes(Uint8Array.of(1, 2, 3))
  structuredClone(copy, { transfer: [copy.buffer] })
  expect(copyBytes(Uint8Array.of(4, 5))).toEqual(Uint8Array.of(4, 5))
})

it('is a plain array, also of a Buffer, and no part of the pool of Buffers', () => {
  const copy = copyBytes(Buffer.from('a'))
  expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype)
  expect(copy.buffer).not.toBe(Buffer.from('b').buffer)
})
