import { describe, expect, it } from 'vitest'
import { readEnvironment } from './environment.ts'

describe('readEnvironment', () => {
  it('has a default for everything, and takes empty for unset', () => {
    const defaults = {
      host: '127.0.0.1',
      port: 3000,
      servers: null,
      valkey: null,
      explain: true,
      production: false,
      secrets: null,
    }
    expect(readEnvironment({})).toEqual(defaults)
    const empty = { HOST: '', PORT: '', MEMCACHE_SERVERS: '', VALKEY_URL: '', EXPLAIN: '' }
    expect(readEnvironment(empty)).toEqual(defaults)
  })

  it('explains in development, and in production only when asked to', () => {
    expect(readEnvironment({ EXPLAIN: '0' }).explain).toBe(false)
    expect(readEnvironment({ NODE_ENV: 'production' }).explain).toBe(false)
    expect(readEnvironment({ NODE_ENV: 'production', EXPLAIN: '1' }).explain).toBe(true)
  })

  it('says what is wrong', () => {
    expect(() => readEnvironment({ PORT: '65536' })).toThrow(/^PORT must be .* not 65536$/)
    expect(() => readEnvironment({ PORT: '80a' })).toThrow(/^PORT must be .* not 80a$/)
    expect(() => readEnvironment({ EXPLAIN: 'yes' })).toThrow(/^EXPLAIN must be 0 or 1, not yes$/)
    const both = { MEMCACHE_SERVERS: 'localhost:11211', VALKEY_URL: 'valkey://localhost' }
    expect(() => readEnvironment(both)).toThrow(
      /^Set MEMCACHE_SERVERS or VALKEY_URL, and not both$/,
    )
  })
})
