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
])('isSame of %s', (_name, { isSame }) => {
  it('finds every byte that differs', () => {
    expect(isSame(bytes, partOf(bytes))).toBe(true)
    for (let at = 0; at < bytes.length; at++) {
      const other = partOf(bytes)
      other[at] = (other[at] as number) ^ 1
      expect(isSame(bytes, other)).toBe(false)
    }
  })
})
