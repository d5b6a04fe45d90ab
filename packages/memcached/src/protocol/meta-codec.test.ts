import { expect, test } from 'vitest'
import { casText, parseCas } from './meta-codec.ts'

const [two32, two53, two64] = [2n ** 32n, 2n ** 53n, 2n ** 64n]

test.each([1n, 9n, two32 - 1n, two32, two53 - 1n, two53, two53 + 1n, two64 - 1n])(
  'S85: a cas of %d is the same number in text and in bytes',
  (cas) => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, cas)
    expect(casText(bytes)).toBe(String(cas))
    const text = new TextEncoder().encode(`c${cas} `)
    expect(parseCas(text, 1, text.length - 1)).toEqual(bytes)
  },
)

test.each(['', '18446744073709551616', '1a', '-1'])('a cas of "%s" is refused', (cas) => {
  const text = new TextEncoder().encode(cas)
  const refusal = expect.objectContaining({ code: 'protocol' })
  expect(() => parseCas(text, 0, text.length)).toThrow(refusal)
})
