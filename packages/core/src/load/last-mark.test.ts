import { describe, expect, it } from 'vitest'
import {
  day,
  end,
  fake,
  newAddress,
  passed,
  put,
  refused,
  renewing,
  start,
} from '../../test/fakes/context.ts'
import type { Fake } from '../../test/fakes/context.ts'
import type { MovedMark } from '../store/marks.ts'
import { lastMark } from './last-mark.ts'
import { followForwards } from './follow-forwards.ts'
import type { LoadedSession } from './follow-forwards.ts'

/** A session that was renewed so many times, and the mark that the first renewal left. */
async function renewed(
  made: Fake,
  times: number,
): Promise<{ readonly mark: MovedMark; readonly last: LoadedSession }> {
  const first = await put(made, { a: 1 })
  let last = first
  for (let n = 0; n < times; n++) {
    const next = await put(made, { a: 1 })
    await renewing(made, last, next.address)(async () => null)
    last = next
  }
  const mark = (await followForwards(made.context, first.address)) as MovedMark
  made.commands()
  made.events.length = 0
  return { mark, last }
}

describe.each([
  ['a store of this process', false],
  ['a store that holds sealed records', true],
])('lastMark, in %s', (_name, isSealed) => {
  it('rule 5: leads to a session that is still there, however often it was renewed', async () => {
    for (const times of [1, 2, 5]) {
      const made = fake({}, isSealed)
      const { mark, last } = await renewed(made, times)
      expect(await lastMark(made.context, mark)).toMatchObject({ id: last.address.id })
      expect(made.commands()).toHaveLength(times)
      expect(made.events).toEqual([])
    }
  })

  it('rule 5: is missing once it has ended', async () => {
    for (const times of [1, 3]) {
      const made = fake({}, isSealed)
      const { mark, last } = await renewed(made, times)
      await end(made, last)()
      expect(await lastMark(made.context, mark)).toBe('missing')
    }
  })

  it('rule 2: is unavailable in an outage, at the first place or a later one', async () => {
    const made = fake({}, isSealed)
    const { mark } = await renewed(made, 2)
    made.store.fail('load', refused)
    expect(await lastMark(made.context, mark)).toBe('unavailable')
    made.store.fail('load', passed, refused)
    expect(await lastMark(made.context, mark)).toBe('unavailable')
  })

  it('takes what cannot be opened to be a session', async () => {
    const made = fake({}, isSealed)
    const { id } = await newAddress(made)
    await made.store.create(id, Uint8Array.of(1), start + day)
    const mark = { kind: 'moved', id, markKey: 'K', owner: null, until: start + day } as const
    expect(await lastMark(made.context, mark)).toBe(mark)
  })
})
