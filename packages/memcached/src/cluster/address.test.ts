import { SessionError } from '@coatcheck/core'
import { describe, expect, it } from 'vitest'
import { parseServers } from './address.ts'
import type { WeightedServer } from './address.ts'

const only = (server: string | WeightedServer) => {
  const [address, ...more] = parseServers([server])
  expect(more).toEqual([])
  return address!
}

describe('an address', () => {
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
    ['memcached://joe:secret@host', 'host:11211'],
    ['memcached://joe:secret@[::1]:7/', '[::1]:7'],
    ['/run/memcached.sock', '/run/memcached.sock'],
  ])('that reads %s is known as %s', (text, name) => {
    expect(only(text).name).toBe(name)
  })

  it('is given as a socket takes it', () => {
    expect(only('Example.COM')).toEqual({
      endpoint: { host: 'example.com', port: 11_211 },
      name: 'example.com:11211',
      weight: 1,
    })
    expect(only('[::1]:7').endpoint).toEqual({ host: '::1', port: 7 })
    expect(only('/run/A.sock').endpoint).toEqual({ path: '/run/A.sock' })
  })

  it('may have credentials, percent-encoded', () => {
    const { username, password, name } = only('memcached://jo%3Ae:p%40ss%2F%C3%A9%25@host:7')
    expect({ username, password, name }).toEqual({
      username: 'jo:e',
      password: 'p@ss/é%',
      name: 'host:7',
    })
    expect(only('memcached://host')).not.toHaveProperty('password')
  })

  it('may have a weight', () => {
    expect(only({ address: 'a:7', weight: 2.5 })).toMatchObject({ name: 'a:7', weight: 2.5 })
    expect(only({ address: 'memcached://joe:secret@b' })).toMatchObject({
      weight: 1,
      username: 'joe',
      password: 'secret',
    })
  })

  it.each([
    ['', 'an address has no host'],
    ['memcached://', 'an address has no host'],
    ['memcached://joe:secret@', 'an address has no host'],
    [':11211', 'an address has no host'],
    ['a b', 'the host of "a b" is not a host name or an IP address'],
    ['host/path', 'the host of "host/path" is not a host name or an IP address'],
    ['11211', 'the host of "11211" is not a host name or an IP address'],
    ['10.0.0.256', 'the host of "10.0.0.256" is not a host name or an IP address'],
    ['host:', 'the port of "host" is not a number from 1 to 65535'],
    ['host:0', 'the port of "host" is not a number from 1 to 65535'],
    ['host:65536', 'the port of "host" is not a number from 1 to 65535'],
    ['host:1e3', 'the port of "host" is not a number from 1 to 65535'],
    ['host:11211:5', 'the port of "host" is not a number from 1 to 65535'],
    ['[::1]11211', 'the port of "[::1]" is not a number from 1 to 65535'],
    ['::1', 'an IPv6 address needs brackets: [::1]:11211'],
    ['::1:11212', 'an IPv6 address needs brackets: [::1]:11211'],
    ['[localhost]:1', 'the text in brackets in "[localhost]" is not an IPv6 address'],
    ['redis://localhost', 'the scheme of "redis://" is not memcached://'],
  ])('that reads "%s" is refused', (text, fault) => {
    expect(faultOf(() => parseServers([text]))).toBe(`memcachedStore: servers: ${fault}`)
  })

  it.each<[string, string]>([
    ['joe:secret@host', 'credentials need the scheme memcached://'],
    ['memcached://secret@host', 'credentials must be user:password'],
    ['memcached://:secret@host', 'credentials must be user:password'],
    ['memcached://joe:@secret.host', 'credentials must be user:password'],
    ['memcached://joe:sec:ret@host', 'credentials must be user:password'],
    ['memcached://joe:secret%zz@host', 'the credentials have an invalid percent-encoding'],
    ['memcached://joe:secret@ho st', 'the host of an address is not a host name'],
    ['memcached://joe:pass@secret@host:x', 'the port of an address is not a number'],
    ['memcached://joe:secret', 'the port of "joe" is not a number'],
    ['memcached://joe:se,cret@host', 'the port of an address is not a number'],
    ['memcached://joe:1,sec ret,x@host', 'the host of an address is not a host name'],
    ['memcached://joe:1,secret://,x@host', 'the scheme of an address is not memcached://'],
    ['secret://joe:secret@host', 'the scheme of an address is not memcached://'],
  ])('with credentials that reads %s is refused without a word of them', (text, fault) => {
    const said = faultOf(() => parseServers(text))
    expect(said).toContain(fault)
    expect(said).not.toMatch(/secret|se\b|sec\b|ret\b|cret|pass@/)
  })
})

describe('a list of servers', () => {
  const names = (servers: string | string[]) => parseServers(servers).map(({ name }) => name)

  it('is a text, a list, or lists in texts', () => {
    expect(names('a:1')).toEqual(['a:1'])
    expect(names('a:1, b:2,c')).toEqual(['a:1', 'b:2', 'c:11211'])
    expect(names(['a:1', 'b:2,/run/c'])).toEqual(['a:1', 'b:2', '/run/c'])
  })

  it('must not be empty, nor have an empty place', () => {
    expect(faultOf(() => parseServers([]))).toContain('the list is empty')
    expect(faultOf(() => parseServers('a,,b'))).toContain('an address has no host')
    expect(faultOf(() => parseServers(''))).toContain('an address has no host')
  })

  it('must not name one server twice, in whatever spelling', () => {
    const fault = faultOf(() => parseServers('A,b,memcached://joe:secret@a:11211'))
    expect(fault).toContain('a:11211 is listed twice')
  })

  it.each<[unknown, string]>([
    [undefined, 'an address is not text'],
    [null, 'an address is not text'],
    [11_211, 'an address is not text'],
    [{ weight: 2 }, 'an address is not text'],
    [{ address: 'a', wieght: 2 }, 'wieght is not an option of a server'],
    [{ address: 'a', weight: 0 }, 'a weight is not a number above 0'],
    [{ address: 'a', weight: -1 }, 'a weight is not a number above 0'],
    [{ address: 'a', weight: 1001 }, 'a weight is not a number above 0 and at most 1000'],
    [{ address: 'a', weight: Number.NaN }, 'a weight is not a number above 0'],
    [{ address: 'a', weight: '2' }, 'a weight is not a number above 0'],
    [{ address: 'a,b' }, 'the host of "a,b" is not a host name or an IP address'],
  ])('must not have %j in it', (server, fault) => {
    expect(faultOf(() => parseServers(['ok', server as string]))).toContain(fault)
  })
})

function faultOf(parse: () => unknown): string {
  try {
    parse()
  } catch (error) {
    if (error instanceof SessionError && error.code === 'invalid-option') return error.message
    throw error
  }
  throw new Error('nothing was thrown')
}
