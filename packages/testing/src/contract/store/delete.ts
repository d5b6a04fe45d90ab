import { checkBytes, checkNone, checkSame } from '../../assert.ts'
import type { Test } from '../context.ts'
import { FIRST, SECOND, THIRD, createOther, loaded, randomId } from '../context.ts'

export function describeDelete(test: Test): void {
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
