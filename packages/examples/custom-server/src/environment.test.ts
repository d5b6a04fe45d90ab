import { describe, expect, it } from 'vitest'
import { readEnvironment } from './environment.ts'

describe('readEnvironment', () => {
  it('has a default for everything, and takes empty for unset', () => {
    const defaults = {
      host: '127.0.0.1',
      port: 3000,
      servers: null,
      explain: true,
      production: false,
      secrets: null,
    }
    expect(readEnvironment({})).toEqual(defaults)
    expect(readEnvironment({ HOST: '', PORT: '', MEMCACHE_SERVERS: '', EXPLAIN: '' })).toEqual(
      defaults,
    )
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
  })
})
