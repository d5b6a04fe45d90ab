import { checkBytes } from '../../assert.ts'
import type { Test } from '../context.ts'
import { FIRST, SECOND, checkRoundTrip, loaded } from '../context.ts'

export function describeBytes(test: Test): void {
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
