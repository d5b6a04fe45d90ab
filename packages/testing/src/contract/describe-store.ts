import type { DeleteResult, SaveResult } from '@coatcheck/core'
import { check, checkBytes, checkFound, checkNone, checkSame } from '../assert.ts'
import type { TestRunner } from '../runner.ts'
import type { StoreUnderTest, TestContext } from './context.ts'
import {
  FIRST,
  checkRoundTrip,
  clockOf,
  createOther,
  loaded,
  pass,
  randomId,
  saveOnTop,
  withShortLived,
} from './context.ts'

type Test = (name: string, body: (context: TestContext) => Promise<void>) => void

const DAY = 24 * 60 * 60 * 1000
const SECOND = Uint8Array.of(4, 5, 6, 7)
const THIRD = Uint8Array.of(8)

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
    runner.describe('races', () => describeRaces(test))
  })
}

function describeCreate(test: Test): void {
  test('loads what was created', async ({ store, id, later }) => {
    checkSame(await store.create(id, FIRST, later), true, 'create')
    checkBytes((await loaded(store, id)).bytes, FIRST, 'load')
  })

  test('answers null to a load of an unknown id', async ({ store, id }) => {
    checkNone(await store.load(id), 'load')
  })

  test('creates nothing by a load that moves the expiry', async ({ store, id, later }) => {
    checkNone(await store.load(id, later), 'load with expiresAt')
    checkNone(await store.load(id), 'the next load')
  })

  test('refuses to create what exists, and leaves it as it was', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    checkSame(await store.create(id, SECOND, later), false, 'create of a taken id')
    checkBytes((await loaded(store, id)).bytes, FIRST, 'load')
    checkSame(await store.save(id, THIRD, later, version), 'saved', 'save with the version before')
  })

  test('keeps apart ids that differ in the case of a letter', async ({ store, id, later }) => {
    checkSame(await store.create(`${id}a`, FIRST, later), true, 'create of the first')
    checkSame(await store.create(`${id}A`, SECOND, later), true, 'create of the second')
    checkBytes((await loaded(store, `${id}a`)).bytes, FIRST, 'load of the first')
    checkBytes((await loaded(store, `${id}A`)).bytes, SECOND, 'load of the second')
  })
}

function describeBytes(test: Test): void {
  test('keeps a record of no bytes', async (context) => {
    await checkRoundTrip(context, new Uint8Array(0))
  })

  test('keeps every value a byte can have', async (context) => {
    await checkRoundTrip(
      context,
      Uint8Array.from({ length: 256 }, (_, index) => index),
    )
  })

  test('keeps 64 KiB', async (context) => {
    await checkRoundTrip(
      context,
      Uint8Array.from({ length: 65_536 }, (_, index) => index % 251),
    )
  })

  test('keeps only the bytes of a view into a larger buffer', async (context) => {
    await checkRoundTrip(context, Uint8Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5))
  })

  test('keeps no reference to the bytes given to create', async ({ store, id, later }) => {
    const bytes = FIRST.slice()
    await store.create(id, bytes, later)
    bytes.fill(0)
    checkBytes((await loaded(store, id)).bytes, FIRST, 'load after the array was overwritten')
  })

  test('keeps no reference to the bytes given to save', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    const bytes = SECOND.slice()
    await store.save(id, bytes, later, version)
    bytes.fill(0)
    checkBytes((await loaded(store, id)).bytes, SECOND, 'load after the array was overwritten')
  })

  test('hands out bytes that it does not use any more', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const one = await loaded(store, id)
    one.bytes.fill(0)
    checkBytes((await loaded(store, id)).bytes, FIRST, 'load after that array was overwritten')
  })
}

function describeSave(test: Test): void {
  test('saves with the current version, again and again', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    checkSame(await saveOnTop(store, id, SECOND, later), 'saved', 'the first save')
    checkBytes((await loaded(store, id)).bytes, SECOND, 'load after the first save')
    checkSame(await saveOnTop(store, id, THIRD, later), 'saved', 'the second save')
    checkBytes((await loaded(store, id)).bytes, THIRD, 'load after the second save')
  })

  test('gives a new version to a save of the very same bytes', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    await store.save(id, FIRST, later, version)
    checkSame(await store.save(id, SECOND, later, version), 'conflict', 'save with the old version')
  })

  test('refuses a save with a stale version, changes nothing', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const stale = (await loaded(store, id)).version
    await store.save(id, SECOND, later, stale)
    const current = (await loaded(store, id)).version
    checkSame(await store.save(id, THIRD, later, stale), 'conflict', 'save with the stale version')
    checkBytes((await loaded(store, id)).bytes, SECOND, 'load after the conflict')
    checkSame(await store.save(id, THIRD, later, current), 'saved', 'save with the current version')
  })

  test('creates nothing by a save of an unknown id', async ({ store, id, later }) => {
    const { version } = await createOther(store, later)
    checkSame(await store.save(id, SECOND, later, version), 'missing', 'save')
    checkNone(await store.load(id), 'load after the save')
  })

  test('does not bring a deleted record back by a save', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    await store.delete(id)
    checkSame(await store.save(id, SECOND, later, version), 'missing', 'save')
    checkNone(await store.load(id), 'load after the save')
  })

  test('never uses a version again for a record created anew', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    await store.delete(id)
    await store.create(id, FIRST, later)
    checkSame(await store.save(id, SECOND, later, version), 'conflict', 'save with the old version')
    checkBytes((await loaded(store, id)).bytes, FIRST, 'load after the conflict')
  })

  test('keeps the version when a load moves the expiry', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    const touched = checkFound(await store.load(id, later + DAY), 'load with expiresAt')
    checkBytes(touched.bytes, FIRST, 'load with expiresAt')
    checkSame(await store.save(id, SECOND, later, version), 'saved', 'save with the version before')
  })

  test('gives the record of now, whatever it is told of before', async ({ store, id, later }) => {
    const [large, other] = [1, 2].map((byte) => new Uint8Array(20_000).fill(byte))
    for (const bytes of [FIRST, large!]) {
      await store.delete(id)
      await store.create(id, bytes, later)
      const known = await loaded(store, id)
      const again = checkFound(await store.load(id, later + DAY, known), 'load of what is known')
      checkBytes(again.bytes, bytes, 'load of what is known')
      checkSame(await store.save(id, other!, later, again.version), 'saved', 'save')
      const now = checkFound(await store.load(id, undefined, known), 'load after a save')
      checkBytes(now.bytes, other!, 'load of what was saved since')
      checkSame(await store.save(id, bytes, later, known.version), 'conflict', 'save of before')
      checkSame(await store.save(id, bytes, later, now.version), 'saved', 'save of now')
      await store.delete(id)
      checkNone(await store.load(id, later, now), 'load of what was deleted since')
      await store.create(id, FIRST, later)
      const anew = checkFound(await store.load(id, later, now), 'load of a record created anew')
      checkBytes(anew.bytes, FIRST, 'load of a record created anew')
    }
  })

  test('takes the version that a load with a new expiry gives', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = checkFound(await store.load(id, later + DAY), 'load with expiresAt')
    checkSame(await store.save(id, SECOND, later, version), 'saved', 'save with its version')
  })
}

function describeDelete(test: Test): void {
  test('deletes whatever the version, and misses it thereafter', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    checkSame(await store.delete(id), 'deleted', 'the first delete')
    checkNone(await store.load(id), 'load after the delete')
    checkSame(await store.delete(id), 'missing', 'the second delete')
  })

  test('deletes with the current version', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    checkSame(await store.delete(id, version), 'deleted', 'delete')
    checkNone(await store.load(id), 'load after the delete')
  })

  test('refuses a delete with a stale version, changes nothing', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const stale = (await loaded(store, id)).version
    await store.save(id, SECOND, later, stale)
    const current = (await loaded(store, id)).version
    checkSame(await store.delete(id, stale), 'conflict', 'delete with the stale version')
    checkBytes((await loaded(store, id)).bytes, SECOND, 'load after the conflict')
    checkSame(await store.save(id, THIRD, later, current), 'saved', 'save with the current version')
  })

  test('answers missing to a delete of an unknown id', async ({ store, id, later }) => {
    const { version } = await createOther(store, later)
    checkSame(await store.delete(id), 'missing', 'delete')
    checkSame(await store.delete(id, version), 'missing', 'delete with a version')
  })

  test('leaves other records alone', async ({ store, id, later }) => {
    const other = randomId()
    await store.create(id, FIRST, later)
    await store.create(other, SECOND, later)
    await store.delete(id)
    checkBytes((await loaded(store, other)).bytes, SECOND, 'load of the other')
  })

  test('frees the id', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    await store.delete(id)
    checkSame(await store.create(id, SECOND, later), true, 'create after the delete')
    checkBytes((await loaded(store, id)).bytes, SECOND, 'load')
  })
}

function describeExpiry(test: Test): void {
  test('keeps a record until its expiresAt', async (context) => {
    const { result } = await withShortLived(context, async (id, expiresAt) => {
      await context.clock.reach(expiresAt - context.clock.margin)
      return context.store.load(id)
    })
    checkBytes(checkFound(result, 'load before expiresAt').bytes, FIRST, 'load before expiresAt')
  })

  test('forgets a record after its expiresAt, though it was read in between', async (context) => {
    const { id, expiresAt, result } = await withShortLived(context, (id) => context.store.load(id))
    checkFound(result, 'load before expiresAt')
    await pass(context.clock, expiresAt)
    checkNone(await context.store.load(id), 'load after expiresAt')
  })

  test('has no record to save or delete after its expiresAt, and its id is free', async (context) => {
    const { store, later } = context
    const { id, expiresAt, result } = await withShortLived(context, (id) => store.load(id))
    const { version } = checkFound(result, 'load before expiresAt')
    await pass(context.clock, expiresAt)
    checkSame(await store.save(id, SECOND, later, version), 'missing', 'save')
    checkSame(await store.delete(id, version), 'missing', 'delete with the version')
    checkSame(await store.delete(id), 'missing', 'delete')
    checkSame(await store.create(id, SECOND, later), true, 'create')
  })

  test('lets a load put the expiry off', async (context) => {
    const { store, later } = context
    const { id, expiresAt, result } = await withShortLived(context, (id) => store.load(id, later))
    checkFound(result, 'load with a later expiresAt')
    await pass(context.clock, expiresAt)
    checkBytes((await loaded(store, id)).bytes, FIRST, 'load after the first expiresAt')
  })

  test('lets a load bring the expiry forward', async ({ store, clock, id, later }) => {
    await store.create(id, FIRST, later)
    const expiresAt = clock.now() + clock.lifetime
    checkFound(await store.load(id, expiresAt), 'load with an earlier expiresAt')
    await pass(clock, expiresAt)
    checkNone(await store.load(id), 'load after it')
  })

  test('lets a save put the expiry off', async (context) => {
    const { store, later } = context
    const {
      id,
      expiresAt,
      result: saved,
    } = await withShortLived(context, (id) => {
      return saveOnTop(store, id, SECOND, later)
    })
    checkSame(saved, 'saved', 'save with a later expiresAt')
    await pass(context.clock, expiresAt)
    checkBytes((await loaded(store, id)).bytes, SECOND, 'load after the first expiresAt')
  })

  test('lets a save bring the expiry forward', async ({ store, clock, id, later }) => {
    await store.create(id, FIRST, later)
    const expiresAt = clock.now() + clock.lifetime
    checkSame(await saveOnTop(store, id, SECOND, expiresAt), 'saved', 'save that ends earlier')
    await pass(clock, expiresAt)
    checkNone(await store.load(id), 'load after it')
  })

  test('leaves the expiry alone when it refuses a create or a save', async (context) => {
    const { store, later } = context
    const { id, expiresAt, result } = await withShortLived(context, async (id, expiresAt) => {
      const stale = await store.load(id)
      await saveOnTop(store, id, SECOND, expiresAt)
      const created = await store.create(id, THIRD, later)
      return { created, saved: stale && (await store.save(id, THIRD, later, stale.version)) }
    })
    checkSame(result.created, false, 'create of a taken id')
    checkSame(result.saved, 'conflict', 'save with a stale version')
    await pass(context.clock, expiresAt)
    checkNone(await store.load(id), 'load after expiresAt')
  })

  test('never shows a record created after its expiresAt', async ({ store, clock, id, later }) => {
    await store.create(id, FIRST, clock.now() - 1_000)
    checkNone(await store.load(id), 'load')
    checkSame(await store.create(id, SECOND, later), true, 'the next create')
  })

  test('never shows a record saved after its expiresAt', async ({ store, clock, id, later }) => {
    await store.create(id, FIRST, later)
    await saveOnTop(store, id, SECOND, clock.now() - 1_000)
    checkNone(await store.load(id), 'load')
  })
}

function describeRaces(test: Test): void {
  test('lets one of 200 saves with one version through', async ({ store, id, later }) => {
    await store.create(id, FIRST, later)
    const { version } = await loaded(store, id)
    const results = await Promise.all(
      inOrder(200, (index) => {
        return store.save(id, Uint8Array.of(index), later, version)
      }),
    )
    const winner = results.indexOf('saved')
    checkSame(results.filter((result) => result === 'saved').length, 1, 'saves answered saved')
    checkSame(results.filter((result) => result === 'conflict').length, 199, 'conflicts')
    checkBytes((await loaded(store, id)).bytes, Uint8Array.of(winner), 'load')
  })

  test('lets one of 200 creates of one id through', async ({ store, id, later }) => {
    const results = await Promise.all(
      inOrder(200, (index) => {
        return store.create(id, Uint8Array.of(index), later)
      }),
    )
    const winner = results.indexOf(true)
    checkSame(results.filter((created) => created).length, 1, 'creates answered true')
    checkBytes((await loaded(store, id)).bytes, Uint8Array.of(winner), 'load')
  })

  test('loses no update of eight writers that count to eighty', async ({ store, id, later }) => {
    await store.create(id, Uint8Array.of(0), later)
    await Promise.all(
      inOrder(8, async () => {
        // Each conflict means that another writer has counted: a writer sees 70 at most.
        for (let tries = 0, done = 0; tries < 80 && done < 10; tries++) {
          const { bytes, version } = await loaded(store, id)
          const next = Uint8Array.of((bytes[0] ?? 0) + 1)
          if ((await store.save(id, next, later, version)) === 'saved') done++
        }
      }),
    )
    checkBytes((await loaded(store, id)).bytes, Uint8Array.of(80), 'the count')
  })

  test('leaves nothing alive when a save and a delete meet', async ({ store, later }) => {
    await Promise.all(
      inOrder(100, async (index) => {
        const id = randomId()
        await store.create(id, FIRST, later)
        const { version } = await loaded(store, id)
        const save = (): Promise<SaveResult> => store.save(id, SECOND, later, version)
        const [deleted, saved] = await inEitherOrder(index, () => store.delete(id), save)
        checkSame(deleted, 'deleted', 'delete')
        check(saved !== 'conflict', 'save: expected saved or missing, got conflict')
        checkNone(await store.load(id), `load after deleted and ${saved}`)
      }),
    )
  })

  test('lets either a save or a delete with the same version through', async ({ store, later }) => {
    await Promise.all(
      inOrder(100, async (index) => {
        const id = randomId()
        await store.create(id, FIRST, later)
        const { version } = await loaded(store, id)
        const save = (): Promise<SaveResult> => store.save(id, SECOND, later, version)
        const remove = (): Promise<DeleteResult> => store.delete(id, version)
        const [deleted, saved] = await inEitherOrder(index, remove, save)
        const outcome = `${deleted} and ${saved}`
        const isOne = outcome === 'deleted and missing' || outcome === 'conflict and saved'
        check(isOne, `delete and save: ${outcome}`)
        const found = await store.load(id)
        checkSame(found === null, deleted === 'deleted', `load finds nothing after ${outcome}`)
      }),
    )
  })
}

function inOrder<value>(length: number, act: (index: number) => Promise<value>): Promise<value>[] {
  return Array.from({ length }, (_, index) => act(index))
}

/** Starts both at once: the second one first if `index` is odd. */
async function inEitherOrder<one, two>(
  index: number,
  first: () => Promise<one>,
  second: () => Promise<two>,
): Promise<[one, two]> {
  if (index % 2 === 0) return Promise.all([first(), second()])
  const [two, one] = await Promise.all([second(), first()])
  return [one, two]
}
