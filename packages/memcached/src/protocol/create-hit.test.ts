import { describe, expect, it } from 'vitest'
import { createHit } from './create-hit.ts'

const cas = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)

describe('createHit', () => {
  it.each([0, 1, 300, 40_000])('copies a value of %i bytes out of the answer', (length) => {
    const answer = Buffer.alloc(length + 20, 7)
    const { value } = createHit(answer, 10, 10 + length, cas)
    answer.fill(0)
    expect(value.length).toBe(length)
    expect(value.every((byte) => byte === 7)).toBe(true)
  })
})
