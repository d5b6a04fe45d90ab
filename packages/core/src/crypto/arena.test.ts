import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { copyBytes, createArena, takeOut } from './arena.ts'

const small = Uint8Array.of(1, 2, 3)

it('copies, and gives no byte away twice', () => {
  const sizes = fc.array(fc.oneof(fc.nat(600), fc.nat(100_000)), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, (lengths) => {
      const allocate = createArena()
      const copies = lengths.map((length, at) =>
        copyBytes(allocate, new Uint8Array(length).fill(at + 1)),
      )
      copies.forEach((copy, at) => {
        expect(copy.length).toBe(lengths[at])
        expect(copy.every((byte) => byte === at + 1)).toBe(true)
      })
    }),
  )
})

it('gives zeros, and large arrays memory of their own', () => {
  const allocate = createArena()
  for (let at = 0; at < 200; at++) {
    const array = allocate(300)
    expect(array.every((byte) => byte === 0)).toBe(true)
    array.fill(255)
  }
  expect(allocate(4097).buffer.byteLength).toBe(4097)
})

it('shares nothing between arenas, nor with the pool of Buffers', () => {
  const [one, other] = [createArena(), createArena()]
  const arrays = [one(3), other(3), Buffer.from('abc')]
  expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBe(3)
  expect(one(3).buffer).toBe(arrays[0]?.buffer)
  expect(Object.getPrototypeOf(copyBytes(one, Buffer.from('a')))).toBe(Uint8Array.prototype)
})

it('refuses to transfer a part to another thread, which would take it from all others', () => {
  const allocate = createArena()
  const parts = [1, 2, 3].map(() => copyBytes(allocate, small))
  const [first] = parts as [Uint8Array<ArrayBuffer>]
  expect(() => structuredClone(first, { transfer: [first.buffer] })).toThrow(/transfer/i)
  for (const part of parts) expect(part).toEqual(small)
})

it.each<[string, () => unknown]>([
  ['has no such function', () => undefined],
  ['has one that does nothing', () => ({ markAsUntransferable: () => {} })],
  [
    'has a function of the process that throws, as in the edge sandbox of Next.js',
    () => {
      throw new Error('not supported in the Edge Runtime')
    },
  ],
  [
    'has one that throws',
    () => ({
      markAsUntransferable: () => {
        throw new Error('not implemented')
      },
    }),
  ],
])('gives each array memory of its own where the runtime %s', async (_what, getBuiltinModule) => {
  vi.resetModules()
  vi.stubGlobal('process', { ...process, getBuiltinModule })
  try {
    const { createArena: createElsewhere } = await import('./arena.ts')
    const allocate = createElsewhere()
    expect([allocate(3), allocate(3)].map(({ buffer }) => buffer.byteLength)).toEqual([3, 3])
  } finally {
    vi.unstubAllGlobals()
    vi.resetModules()
  }
})

it('takes bytes out of the place where they were', () => {
  const from = small.slice()
  expect(takeOut(createArena(), from)).toEqual(small)
  expect(from).toEqual(new Uint8Array(3))
})
