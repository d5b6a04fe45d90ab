import type { TestRunner } from '../runner.ts'
import type { StoreUnderTest, Test } from './context.ts'
import { clockOf, DAY, randomId } from './context.ts'
import { describeBytes } from './store/bytes.ts'
import { describeCreate } from './store/create.ts'
import { describeDelete } from './store/delete.ts'
import { describeExpiry } from './store/expiry.ts'
import { describeSimultaneous } from './store/races.ts'
import { describeSave } from './store/save.ts'

/**
 * Defines tests of what every `SessionStore` must do, with your test runner. Calls `create` once for each
 * test.
 *
 * ```ts
 * import { describe, it } from 'vitest' // or node:test, or bun:test
 * describeStore('myStore', () => ({ store: myStore() }), { describe, it })
 * ```
 */
export function describeStore(
  name: string,
  create: () => Promise<StoreUnderTest> | StoreUnderTest,
  runner: TestRunner,
): void {
  const test: Test = (sentence, body) => {
    runner.it(sentence, async () => {
      const subject = await create()
      const clock = clockOf(subject)
      try {
        await body({ store: subject.store, clock, id: randomId(), later: clock.now() + DAY })
      } finally {
        await subject.close?.()
      }
    })
  }
  runner.describe(name, () => {
    runner.describe('create and load', () => describeCreate(test))
    runner.describe('bytes', () => describeBytes(test))
    runner.describe('save', () => describeSave(test))
    runner.describe('delete', () => describeDelete(test))
    runner.describe('expiry', () => describeExpiry(test))
    runner.describe('races', () => describeSimultaneous(test))
  })
}
