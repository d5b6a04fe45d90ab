import { startValkey } from '@coatcheck/harness/valkey'
import { expect, it, onTestFinished } from 'vitest'
import { valkeyStore } from '../src/store/valkey-store.ts'
import { countWrites } from './count-writes.ts'

it('200 commands at once are few writes, to one server', async () => {
  const valkey = await startValkey()
  const store = valkeyStore({ url: valkey.address, deadline: 5000 })
  onTestFinished(async () => {
    store.close()
    await valkey.end()
  })
  expect(await countWrites(store)).toBeLessThanOrEqual(3)
})
