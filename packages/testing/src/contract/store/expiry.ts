import { checkBytes, checkFound, checkNone, checkSame } from '../../assert.ts'
import type { Test } from '../context.ts'
import { FIRST, SECOND, THIRD, loaded, pass, saveOnTop, withShortLived } from '../context.ts'

export function describeExpiry(test: Test): void {
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
