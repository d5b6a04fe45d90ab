import { randomBytes } from 'node:crypto'
import { startMemcached } from '@coatcheck/harness/memcached'
import { memcachedStore } from '@coatcheck/memcached'
import { expect, it } from 'vitest'
import { sessionsThatFit } from '../src/numbers.ts'

it.each([300, 1000, 2500])(
  'a memcached holds as many sessions as it says: %i bytes',
  async (bytes) => {
    const memcached = await startMemcached({ trace: false, args: ['-m', '16'] })
    const store = memcachedStore({ servers: memcached.address, deadline: 20_000 })
    const said = sessionsThatFit(16 * 1024 * 1024, bytes)
    const value = randomBytes(bytes)
    const expiresAt = Date.now() + 3_600_000
    for (let written = 0; written < said * 1.5; written += 1000) {
      const ids = Array.from({ length: 1000 }, () => randomBytes(32).toString('base64url'))
      await Promise.all(ids.map((id) => store.create(id, value, expiresAt)))
      if (Number((await memcached.stats())['evictions']) > 0) break
    }
    const { evictions, curr_items: held } = await memcached.stats()
    store.close()
    await memcached.kill()
    expect(Number(evictions)).toBeGreaterThan(0)
    expect(Number(held) / said).toBeGreaterThan(0.85)
    expect(Number(held) / said).toBeLessThan(1.15)
  },
)
