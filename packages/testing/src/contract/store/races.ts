import type { DeleteResult, SaveResult } from '@coatcheck/core'
import { check, checkBytes, checkNone, checkSame } from '../../assert.ts'
import type { Test } from '../context.ts'
import { FIRST, SECOND, loaded, randomId } from '../context.ts'

export function describeSimultaneous(test: Test): void {
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
