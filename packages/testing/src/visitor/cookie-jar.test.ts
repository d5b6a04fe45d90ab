import { describe, expect, it } from 'vitest'
import { createCookieJar } from './cookie-jar.ts'
import { parseSetCookie } from './set-cookie.ts'

function answer(...lines: readonly string[]): Response {
  return new Response(null, { headers: lines.map((line) => ['Set-Cookie', line]) })
}

describe('createCookieJar', () => {
  it('is empty, or has the cookies of a Cookie header', () => {
    expect(createCookieJar().header).toBe('')
    expect(createCookieJar('a=1; b=2;c=x=y').header).toBe('a=1; b=2; c=x=y')
    expect(createCookieJar('a=').header).toBe('a=')
  })

  it('keeps each cookie that a response sets, by its name', () => {
    const jar = createCookieJar('a=1')
    jar.update(answer('b=2; Path=/', 'a=3; HttpOnly', 'c=x=y'))
    expect(jar.header).toBe('a=3; b=2; c=x=y')
    expect([jar.get('a'), jar.get('c'), jar.get('d')]).toEqual(['3', 'x=y', undefined])
  })

  it('keeps an empty value, which deletes nothing', () => {
    const jar = createCookieJar('a=1')
    jar.update(answer('a=; Path=/'))
    expect(jar.header).toBe('a=')
  })

  it.each([
    'Max-Age=0',
    'max-age=-1',
    'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'Max-Age=0; Expires=Fri, 01 Jan 2999 00:00:00 GMT',
  ])('deletes a cookie by %s', (attributes) => {
    const jar = createCookieJar('a=1; b=2')
    jar.update(answer(`a=; Path=/; ${attributes}`))
    expect(jar.header).toBe('b=2')
  })

  it.each([
    'Max-Age=60',
    'Expires=Fri, 01 Jan 2999 00:00:00 GMT',
    'Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'Max-Age=soon',
    'Expires=soon',
  ])('keeps a cookie with %s', (attributes) => {
    const jar = createCookieJar()
    jar.update(answer(`a=1; ${attributes}`))
    expect(jar.header).toBe('a=1')
  })

  it('lets the last of several lines for a name win', () => {
    const jar = createCookieJar()
    jar.update(answer('a=1', 'a=; Max-Age=0', 'b=; Max-Age=0', 'b=2'))
    expect(jar.header).toBe('b=2')
  })

  it('ignores Domain, Path and Secure', () => {
    const jar = createCookieJar()
    jar.update(answer('__Host-Http-sid=1; Secure; Path=/', 'a=2; Domain=other.example; Path=/deep'))
    expect(jar.header).toBe('__Host-Http-sid=1; a=2')
  })

  it('copies its cookies into a jar that then changes independently', () => {
    const jar = createCookieJar('a=1')
    const copy = jar.copy()
    jar.update(answer('a=2'))
    copy.update(answer('b=3'))
    expect([jar.header, copy.header]).toEqual(['a=2', 'a=1; b=3'])
  })
})

describe('parseSetCookie', () => {
  it('gives the name, the value and the attributes by lowercase name', () => {
    const { name, value, attributes } = parseSetCookie('sid=a=b; Path=/; SECURE;SameSite=Lax')
    expect([name, value]).toEqual(['sid', 'a=b'])
    expect([...attributes]).toEqual([
      ['path', '/'],
      ['secure', ''],
      ['samesite', 'Lax'],
    ])
  })
})
