import { describe, expect, it } from 'vitest'
import { isPlainHttp } from './transport.ts'

const request = (url: string, headers: Record<string, string> = {}): Request =>
  new Request(url, { headers })

describe('isPlainHttp', () => {
  it.each<[string, Request | string | null, { secure?: boolean } | undefined, boolean]>([
    ['http', request('http://shop.example/'), undefined, true],
    ['https', request('https://shop.example/'), undefined, false],
    ['a Cookie header alone', 'sid=x', undefined, false],
    ['no header', null, undefined, false],
    ['a header of a request that is known to be plain', 'sid=x', { secure: false }, true],
    [
      'a request that is known to be secure',
      request('http://shop.example/'),
      { secure: true },
      false,
    ],
    ['localhost', request('http://localhost:3000/'), undefined, false],
    ['a name below localhost', request('http://shop.localhost/'), undefined, false],
    ['127.0.0.1', request('http://127.0.0.1:3000/'), undefined, false],
    ['::1', request('http://[::1]:3000/'), undefined, false],
    ['a name that begins like it', request('http://localhost.example/'), undefined, true],
    [
      'a proxy that ends TLS',
      request('http://10.0.0.7/', { 'X-Forwarded-Proto': 'https' }),
      undefined,
      false,
    ],
    [
      'a proxy that got plain http',
      request('http://10.0.0.7/', { 'X-Forwarded-Proto': 'http' }),
      undefined,
      true,
    ],
  ])('C6: tells %s', (_name, source, transport, expected) => {
    expect(isPlainHttp(source, transport)).toBe(expected)
  })
})
