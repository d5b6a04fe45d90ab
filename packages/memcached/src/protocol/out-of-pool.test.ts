import { expect, it } from 'vitest'
import { outOfPool } from './out-of-pool.ts'

it('gives the UTF-8 of a text memory of its own', () => {
  for (const text of ['', 'user pass', '\u0000user\u0000päss\u{1f9e5}']) {
    const bytes = outOfPool(text)
    expect(bytes.toString()).toBe(text)
    expect(bytes.buffer.byteLength).toBe(bytes.length)
  }
})
