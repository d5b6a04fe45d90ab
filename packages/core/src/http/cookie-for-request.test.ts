import { afterEach, describe, expect, it, vi } from 'vitest'
import { chooseCookie } from './cookie-for-request.ts'
import type { CookieOptions } from './cookie.ts'

afterEach(() => vi.unstubAllEnvs())

const http = 'http://app.example/'
const https = 'https://app.example/'

function request(url: string, proto?: string): Request {
  return new Request(url, proto === undefined ? {} : { headers: { 'X-Forwarded-Proto': proto } })
}

function nameFor(
  options: CookieOptions,
  ...args: Parameters<ReturnType<typeof chooseCookie>>
): string | null {
  return chooseCookie(options)(...args)?.name ?? null
}

describe('the cookie for a request', () => {
  it('S49: is always the Secure one, unless asked for', () => {
    for (const url of [http, https]) {
      for (const proto of ['http', 'https', undefined]) {
        expect(nameFor({}, request(url, proto))).toBe('__Host-Http-sid')
      }
    }
    expect(nameFor({}, request(http), { secure: false })).toBe('__Host-Http-sid')
  })

  it('S49: goes by the URL, and believes no header', () => {
    for (const proto of ['http', 'https', undefined]) {
      expect(nameFor({ secure: 'per-request' }, request(https, proto))).toBe('__Host-Http-sid')
      expect(nameFor({ secure: 'per-request' }, request(http, proto))).toBe('sid')
    }
  })

  it.each<[proto: string | undefined, url: string, isSecure: boolean]>([
    [undefined, http, false],
    [undefined, https, true],
    ['https', http, true],
    ['HTTPS', http, true],
    ['http', https, false],
    ['http, https', http, true],
    ['http,https \t', http, true],
    ['https, http', http, false],
    ['https,', http, false],
    ['', https, false],
    ['xhttps', http, false],
    ['https;http', http, false],
    ['"https"', http, false],
  ])(
    'S49: goes by the last word of X-Forwarded-Proto where it is trusted: %j to %s',
    (proto, url, isSecure) => {
      const options = { secure: 'per-request', trustProxy: true } as const
      expect(nameFor(options, request(url, proto))).toBe(isSecure ? '__Host-Http-sid' : 'sid')
      vi.stubEnv('NODE_ENV', 'production')
      expect(nameFor(options, request(url, proto))).toBe(isSecure ? '__Host-Http-sid' : null)
    },
  )

  it('S49: is the Secure one for a header alone, unless the caller knows better', () => {
    for (const source of ['sid=x', '', null, undefined]) {
      expect(nameFor({ secure: 'per-request' }, source)).toBe('__Host-Http-sid')
      expect(nameFor({ secure: 'per-request' }, source, { secure: true })).toBe('__Host-Http-sid')
      expect(nameFor({ secure: 'per-request' }, source, { secure: false })).toBe('sid')
    }
    expect(nameFor({ secure: 'per-request' }, request(http), { secure: true })).toBe(
      '__Host-Http-sid',
    )
  })

  it('S49: has no name in common with the other one', () => {
    for (const name of ['__Host-Http-a', '__Host-a', '__Http-a', '__Secure-a', '__secure-a']) {
      const options = { name, secure: 'per-request' } as const
      expect([nameFor(options, request(https)), nameFor(options, request(http))]).toEqual([
        name,
        'a',
      ])
    }
    const shared = { domain: 'app.example', secure: 'per-request' } as const
    expect([nameFor(shared, request(https)), nameFor(shared, request(http))]).toEqual([
      '__Secure-sid',
      'sid',
    ])
    const plain = chooseCookie(shared)(request(http))
    expect(plain?.attributes).toMatchObject({
      secure: false,
      httpOnly: true,
      domain: 'app.example',
    })
  })

  it.each<[CookieOptions, RegExp]>([
    [{ secure: true as never }, /cookie\.secure must be 'always' or 'per-request'/],
    [{ secure: 'never' as never }, /cookie\.secure must be/],
    [{ trustProxy: true }, /cookie\.trustProxy has a meaning/],
    [{ secure: 'per-request', trustProxy: 1 as never }, /cookie\.trustProxy must be true or false/],
    [{ secure: 'per-request', plainHttp: true }, /cookie\.plainHttp goes by each request/],
    [{ secure: 'per-request', name: 'sid' }, /cookie\.name needs a prefix/],
    [{ secure: 'per-request', name: '__Host-' }, /cookie\.name must be 1 to 256/],
    [{ secure: 'per-request', sameSite: 'none' }, /cookie\.sameSite none needs https/],
    [{ secure: 'per-request', partitioned: true }, /cookie\.partitioned needs https/],
  ])('S20, S49: refuses %j', (options, message) => {
    expect(() => chooseCookie(options)).toThrow(message)
  })
})
