import { expect, it } from 'vitest'
import { isPrefetch } from './prefetch.ts'

const requestWith = (headers: Record<string, string>): Request =>
  new Request('https://shop.example/', { headers })

it.each([
  [{ 'Sec-Purpose': 'prefetch' }, true],
  [{ 'Sec-Purpose': 'prefetch;prerender' }, true],
  [{ 'Sec-Purpose': 'prefetch;anonymous-client-ip' }, true],
  [{ Purpose: 'prefetch' }, true],
  [{ 'Sec-Purpose': 'prefetching' }, false],
  [{ 'Sec-Purpose': 'other', Purpose: 'prefetch' }, false],
  [{ Accept: 'prefetch' }, false],
  [{}, false],
])('F6: %j is a prefetch: %s', (headers, expected) => {
  expect(isPrefetch(requestWith(headers))).toBe(expected)
})

it('takes a Cookie header alone for no prefetch', () => {
  expect([null, undefined, 'sid=1'].map(isPrefetch)).toEqual([false, false, false])
})
