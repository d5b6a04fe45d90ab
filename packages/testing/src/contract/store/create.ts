import { checkBytes, checkNone, checkSame } from '../../assert.ts'
import type { Test } from '../context.ts'
import { FIRST, SECOND, THIRD, loaded } from '../context.ts'

export function describeCreate(test: Test): void {
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
