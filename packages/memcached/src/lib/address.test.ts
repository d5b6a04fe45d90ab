import { describe, expect, it } from 'vitest'
import { formatAddress, parseAddress, parseServers } from './address.ts'
import { StoreError } from './errors.ts'

describe('parseAddress', () => {
  it.each([
    ['localhost', 'localhost:11211'],
    ['cache.example.com:11212', 'cache.example.com:11212'],
    ['Cache-1_a.Example.com.', 'cache-1_a.example.com.:11211'],
    ['10.0.0.1:1', '10.0.0.1:1'],
    ['[::1]', '[::1]:11211'],
    ['[2001:DB8::7]:65535', '[2001:db8::7]:65535'],
    ['memcached://localhost', 'localhost:11211'],
    ['memcached://10.0.0.1:11311/', '10.0.0.1:11311'],
    ['memcached://[::1]:11311', '[::1]:11311'],
  ])('reads %s', (text, address) => {
    expect(formatAddress(parseAddress(text))).toBe(address)
  })

  it('gives an IPv6 address as a socket takes it, without brackets', () => {
    expect(parseAddress('[::1]:7')).toEqual({ host: '::1', port: 7 })
  })

  it.each([
    ['', 'an address is empty'],
    ['memcached://', '"memcached://" has no host'],
    [':11211', 'the host of ":11211" is not a name or an address'],
    ['a b', 'the host of "a b" is not a name or an address'],
    ['host/path', 'the host of "host/path" is not a name or an address'],
    ['/run/memcached.sock', 'the host of "/run/memcached.sock" is not a name or an address'],
    ['11211', 'the host of "11211" is not a name or an address'],
    ['10.0.0.256', 'the host of "10.0.0.256" is not a name or an address'],
    ['host:', 'the port of "host:" is not a number from 1 to 65535'],
    ['host:0', 'the port of "host:0" is not a number from 1 to 65535'],
    ['host:65536', 'the port of "host:65536" is not a number from 1 to 65535'],
    ['host:1e3', 'the port of "host:1e3" is not a number from 1 to 65535'],
    ['host:11211:5', 'the port of "host:11211:5" is not a number from 1 to 65535'],
    ['[::1]11211', 'the port of "[::1]11211" is not a number from 1 to 65535'],
    ['::1', 'write "::1" in brackets, [::1]'],
    ['[localhost]:1', 'what "[localhost]:1" has in brackets is not an IPv6 address'],
    ['redis://localhost', 'the scheme of "redis://localhost" is not memcached://'],
  ])('refuses "%s"', (text, fault) => {
    expect(faultOf(() => parseAddress(text))).toBe(`memcachedStore: servers: ${fault}`)
  })

  it('refuses credentials, and does not repeat them', () => {
    const fault = faultOf(() => parseAddress('memcached://user:secret@host'))
    expect(fault).toBe('memcachedStore: servers: credentials do not belong into an address')
  })
})

describe('parseServers', () => {
  const ports = (servers: string | string[]) => parseServers(servers).map(({ port }) => port)

  it('reads a text, a list, and lists in texts', () => {
    expect(ports('a:1')).toEqual([1])
    expect(ports('a:1, b:2,c')).toEqual([1, 2, 11_211])
    expect(ports(['a:1', 'b:2,c:3'])).toEqual([1, 2, 3])
  })

  it('refuses an empty list and an empty place in it', () => {
    expect(faultOf(() => parseServers([]))).toContain('the list is empty')
    expect(faultOf(() => parseServers('a,,b'))).toContain('an address is empty')
    expect(faultOf(() => parseServers(''))).toContain('an address is empty')
  })

  it('refuses one server under two spellings', () => {
    const fault = faultOf(() => parseServers('A,b,memcached://a:11211'))
    expect(fault).toContain('a:11211 is listed twice')
  })
})

function faultOf(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    if (error instanceof StoreError && error.code === 'config' && !error.sent) return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}
