import { afterEach, describe, expect, it, vi } from 'vitest'
import { memcachedStore } from './memcached-store.ts'
import { frameBytes } from '../cluster/moving-frame.ts'
import { readOptions } from './read-options.ts'
import type { MemcachedStoreOptions } from './store-options.ts'

const names = (options: MemcachedStoreOptions = {}) =>
  readOptions(options).addresses.map(({ name }) => name)

describe('the options of memcachedStore', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('have defaults', () => {
    vi.stubEnv('MEMCACHE_SERVERS', undefined)
    const { addresses, connectionOptionsFor, rank, rankingOf, now, ...settings } = readOptions({})
    expect(settings).toEqual({
      prefix: 'coatcheck:',
      deadline: 250,
      connections: 'shared',
      maxBytes: 1_000_000,
      protocol: 'auto',
      asksSecond: false,
      switchAt: null,
      failures: 3,
      pause: 1000,
    })
    expect(addresses.map(({ name }) => name)).toEqual(['localhost:11211'])
    expect(connectionOptionsFor(addresses[0]!)).toMatchObject({
      deadline: 250,
      maxValueBytes: 1_000_000 + frameBytes,
    })
    expect(rank('key')).toEqual([0, -1])
    expect(rankingOf(addresses)('key')).toEqual([0, -1])
    expect(Math.abs(now() - Date.now())).toBeLessThan(60_000)
  })

  it('take the time at which all processes have the list', () => {
    const switchAt = Date.parse('2026-12-01T04:00:00Z')
    expect(readOptions({ asksSecond: switchAt })).toMatchObject({ asksSecond: true, switchAt })
    expect(readOptions({ asksSecond: true })).toMatchObject({ asksSecond: true, switchAt: null })
  })

  it('take the servers from MEMCACHE_SERVERS when none are given', () => {
    vi.stubEnv('MEMCACHE_SERVERS', 'a:1,b:2')
    expect(names()).toEqual(['a:1', 'b:2'])
    expect(names({ servers: 'c:3' })).toEqual(['c:3'])
    vi.stubEnv('MEMCACHE_SERVERS', 'redis://elsewhere')
    expect(names).toThrow('the scheme of "redis://"')
    vi.stubEnv('MEMCACHE_SERVERS', undefined)
    expect(names()).toEqual(['localhost:11211'])
  })

  it.each([
    [
      'a:11211,',
      'memcachedStore: MEMCACHE_SERVERS: an address has no host: there is a comma too many',
    ],
    [',a', 'memcachedStore: MEMCACHE_SERVERS: an address has no host: there is a comma too many'],
    ['a:0', 'memcachedStore: MEMCACHE_SERVERS: the port of "a" is not a number from 1 to 65535'],
    ['a,a', 'memcachedStore: MEMCACHE_SERVERS: a:11211 is listed twice'],
    ['', 'memcachedStore: MEMCACHE_SERVERS: the variable is empty; give it host:port, or unset it'],
    [
      ' ',
      'memcachedStore: MEMCACHE_SERVERS: the variable is empty; give it host:port, or unset it',
    ],
  ])('H6: refuse %j in MEMCACHE_SERVERS, and name the variable', (text, message) => {
    vi.stubEnv('MEMCACHE_SERVERS', text)
    expect(names).toThrow(message)
    expect(names({ servers: 'c:3' })).toEqual(['c:3'])
    if (text.trim() !== '') {
      expect(() => names({ servers: text })).toThrow(message.replace('MEMCACHE_SERVERS', 'servers'))
    }
  })

  it('ignore the credentials that memjs takes from the environment', () => {
    vi.stubEnv('MEMCACHE_USERNAME', 'joe')
    vi.stubEnv('MEMCACHE_PASSWORD', 'secret')
    const { addresses, connectionOptionsFor } = readOptions({ servers: 'a' })
    expect(connectionOptionsFor(addresses[0]!)).toMatchObject({
      username: undefined,
      password: undefined,
    })
  })

  it('are one login for all servers but those that have their own', () => {
    const options = { servers: 'a,memcached://ann:hers@b', username: 'joe', password: 'his' }
    const { addresses, connectionOptionsFor } = readOptions(options)
    expect(connectionOptionsFor(addresses[0]!)).toMatchObject({
      host: 'a',
      username: 'joe',
      password: 'his',
    })
    expect(connectionOptionsFor(addresses[1]!)).toMatchObject({
      host: 'b',
      username: 'ann',
      password: 'hers',
    })
  })

  it('reach the connections', () => {
    const limits = { deadline: 1, connectDeadline: 2, maxInFlight: 3, maxQueuedBytes: 4 }
    const options = { servers: '/run/a', ...limits, maxBytes: 5, tls: true } as const
    const { addresses, connectionOptionsFor } = readOptions(options)
    expect(connectionOptionsFor(addresses[0]!)).toMatchObject({
      path: '/run/a',
      ...limits,
      maxValueBytes: 5 + frameBytes,
      tls: true,
    })
  })

  it('choose how keys are spread', () => {
    const servers = ['a', 'b', 'c', 'd']
    const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)
    const spread = (options: MemcachedStoreOptions) => {
      const { rank } = readOptions({ servers, ...options })
      return keys.map((key) => rank(key)[0])
    }
    expect(spread({ distribution: 'rendezvous' })).toEqual(spread({}))
    expect(spread({ distribution: 'ketama' })).not.toEqual(spread({}))
  })

  it.each<[string, object | null, RegExp]>([
    ['no object', null, /options must be an object/],
    ['a text', 'localhost' as unknown as object, /options must be an object/],
    [
      'an unknown name',
      { server: 'a' },
      /server is not an option; the options are servers, prefix,/,
    ],
    ['no server', { servers: [] }, /servers: the list is empty/],
    ['a wrong address', { servers: 'host:0' }, /servers: the port of "host"/],
    ['an address that is missing', { servers: [undefined] }, /servers: an address is not text/],
    ['a server twice', { servers: ['a', 'a:11211'] }, /servers: a:11211 is listed twice/],
    ['a prefix with a space', { prefix: 'a b' }, /prefix must be printable ASCII/],
    ['a prefix that is not ASCII', { prefix: 'é' }, /prefix must be printable ASCII/],
    ['a prefix that leaves no room', { prefix: 'a'.repeat(208) }, /prefix must have at most 207/],
    ['a prefix that is no text', { prefix: 7 }, /prefix must be printable ASCII/],
    ['a deadline of 0', { deadline: 0 }, /deadline must be a positive number/],
    ['a deadline that is no number', { deadline: Number.NaN }, /deadline must be/],
    ['an endless deadline', { deadline: Infinity }, /deadline must be/],
    ['a deadline in a text', { deadline: '250' }, /deadline must be/],
    ['a connectDeadline of 0', { connectDeadline: 0 }, /connectDeadline must be a positive number/],
    ['a negative maxInFlight', { maxInFlight: -1 }, /maxInFlight must be a positive number/],
    ['maxQueuedBytes in a text', { maxQueuedBytes: '1k' }, /maxQueuedBytes must be a positive/],
    ['maxBytes of 0', { maxBytes: 0 }, /maxBytes must be a whole number/],
    ['a broken maxBytes', { maxBytes: 1.5 }, /maxBytes must be a whole number/],
    ['a clock that is none', { now: 5 }, /now must be a function/],
    ['a protocol that there is not', { protocol: 'text' }, /protocol must be one of binary, meta/],
    ['a distribution that there is not', { distribution: 'modulo' }, /distribution must be one of/],
    ['discovery that there is not', { discovery: 'dns' }, /discovery must be one of cluster/],
    [
      'discovery of two endpoints',
      { servers: 'a,b', discovery: 'cluster' },
      /servers must be one configuration endpoint/,
    ],
    [
      'G5: a configuration endpoint as a server',
      { servers: 'shop.x1.cfg.euc1.cache.amazonaws.com' },
      /shop\.x1\.cfg\.euc1\.cache\.amazonaws\.com:11211 is the configuration endpoint of a cluster, and no server: set discovery: 'cluster', or list the servers/,
    ],
    ['proxy that is no boolean', { proxy: 'yes' }, /proxy must be true or false/],
    ['asksSecond that is a text', { asksSecond: '1' }, /asksSecond must be true, false or a time/],
    [
      'a time in seconds',
      { asksSecond: 1796000000 },
      /must be .* a time in milliseconds since 1970/,
    ],
    [
      'a time in microseconds',
      { asksSecond: 1_796_000_000_000_000 },
      /must be .* a time in milliseconds since 1970/,
    ],
    ['a time that is none', { asksSecond: NaN }, /asksSecond must be true, false or a time/],
    ['a username alone', { username: 'joe' }, /username and password must be given together/],
    ['a password alone', { password: 'hunter2' }, /username and password must be given together/],
    ['a password with a NUL', { username: 'a', password: '\0' }, /must not contain NUL/],
    ['TLS that is false', { tls: false }, /tls must be true or an object/],
    ['TLS that is null', { tls: null }, /tls must be true or an object/],
    [
      'an unknown TLS option',
      { tls: { CA: 'x' } },
      /tls.CA is not an option; the options are ca, cert, ciphers/,
    ],
    ['a CA that is none', { tls: { ca: 'hunter2' } }, /tls has a ca, .* that is invalid/],
    ['a key without certificate', { tls: { cert: 'x' } }, /tls has a ca, .* that is invalid/],
    [
      'weights that ketama does not know',
      halves(),
      /servers: c:11211: ketama requires whole weights/,
    ],
  ])('refuse %s', (_, options, message) => {
    const create = () => memcachedStore(options as MemcachedStoreOptions)
    expect(create).toThrow(
      expect.objectContaining({ name: 'SessionError', code: 'invalid-option' }),
    )
    expect(create).toThrow(message)
    expect(create).not.toThrow(/hunter2/)
  })

  it('may be left undefined', () => {
    const options = { deadline: undefined, tls: undefined, servers: 'a', username: undefined }
    expect(readOptions(options as object).deadline).toBe(250)
  })
})

function halves(): MemcachedStoreOptions {
  return { distribution: 'ketama', servers: ['a', 'b', { address: 'c', weight: 0.5 }] }
}
