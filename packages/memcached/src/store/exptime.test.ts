import { startMemcached } from '@coatcheck/harness/memcached'
import { describe, expect, it } from 'vitest'
import { patient } from '../../test/patience.ts'
import { createBinaryClient } from '../protocol/binary-client.ts'
import { exptime } from './exptime.ts'

const day = 86_400_000
const now = Date.UTC(2026, 1, 3, 4, 5, 6, 789)

describe('exptime', () => {
  it('rounds up to seconds, and adds one', () => {
    expect(exptime(now + 1, now)).toBe(2)
    expect(exptime(now + 1000, now)).toBe(2)
    expect(exptime(now + 1001, now)).toBe(3)
    expect(exptime(now + 3_600_000, now)).toBe(3601)
  })

  it('becomes a Unix time when it would be more than 30 days', () => {
    expect(exptime(now + 30 * day - 1000, now)).toBe(2_592_000)
    expect(exptime(now + 30 * day - 999, now)).toBe(Math.ceil((now + 30 * day - 999) / 1000) + 1)
    expect(exptime(now + 400 * day, now)).toBe(Math.ceil((now + 400 * day) / 1000) + 1)
  })

  it('stays within the 32 bits with sign that the meta protocol takes', () => {
    expect(exptime(Number.MAX_SAFE_INTEGER, now)).toBe(2 ** 31 - 1)
  })

  it('is over at once when the time is now, or was', () => {
    for (const expiresAt of [now, now - 1, now - 400 * day, 0, -1]) {
      expect(exptime(expiresAt, now)).toBe(2_592_001)
    }
  })

  it('refuses what is no time', () => {
    for (const expiresAt of [Number.NaN, Infinity, -Infinity]) {
      expect(() => exptime(expiresAt, now)).toThrow(
        expect.objectContaining({ name: 'StoreError', code: 'config' }),
      )
    }
  })

  it('means the same to memcached', async () => {
    const memcached = await startMemcached()
    const client = createBinaryClient({ ...patient, host: '127.0.0.1', port: memcached.port })
    try {
      const lives = [1, 60_000, 30 * day - 1000, 30 * day, 400 * day]
      for (const life of lives) {
        const started = Date.now()
        await client.add(`k${life}`, new Uint8Array(1), exptime(started + life, started))
        const left = await memcached.ttl(`k${life}`)
        // memcached's clock ticks once a second if the machine is not too busy.
        expect(left).toBeGreaterThan(Math.floor(life / 1000) - 10)
        expect(left).toBeLessThan(Math.ceil(life / 1000) + 10)
      }
      expect(await client.add('over', new Uint8Array(1), exptime(now - 1, now))).toBe(true)
      expect(await client.get('over')).toBeNull()
      await client.add('touched', new Uint8Array(1), 100)
      await client.get('touched', exptime(now - 1, now))
      expect(await client.get('touched')).toBeNull()
    } finally {
      client.close()
      await memcached.kill()
    }
  })
})
