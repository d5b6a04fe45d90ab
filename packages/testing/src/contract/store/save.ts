import { checkBytes, checkFound, checkNone, checkSame } from '../../assert.ts'
import type { Test } from '../context.ts'
import { DAY, FIRST, SECOND, THIRD, createOther, loaded, saveOnTop } from '../context.ts'

export function describeSave(test: Test): void {
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
