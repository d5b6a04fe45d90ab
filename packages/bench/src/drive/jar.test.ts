import { expect, it } from 'vitest'
import { takeCookies } from './jar.ts'

it('keeps, replaces and adds cookies, without their attributes', () => {
  expect(takeCookies(undefined, ['a=1; Path=/; HttpOnly'])).toBe('a=1')
  expect(takeCookies('a=1; b=2', ['b=3;Secure', 'c=x=y'])).toBe('a=1; b=3; c=x=y')
  expect(takeCookies('a=1', [])).toBe('a=1')
})

it('drops a cookie that ends, by either attribute', () => {
  expect(takeCookies('a=1; b=2', ['a=; Max-Age=0'])).toBe('b=2')
  expect(takeCookies('a=1', ['a=; Path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT'])).toBeUndefined()
  expect(takeCookies('a=1', ['a=2; Max-Age=60; Expires=Fri, 01 Jan 2100 00:00:00 GMT'])).toBe('a=2')
})
