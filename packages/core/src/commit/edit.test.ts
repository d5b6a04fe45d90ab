import { describe, expect, it } from 'vitest'
import { blocksOf, editOf, recordOf, valuesOf } from '../../test/fakes/context.ts'
import { SessionError } from '../errors.ts'
import type { Settle } from '../rules/diff-and-merge.ts'
import { ours } from '../rules/diff-and-merge.ts'
import { replay } from './edit.ts'

const large = { settle: ours, maxBytes: 65_536 }
const owner = { subject: 'zoë', listId: 'the list', ref: 'the ref' }

describe('replay', () => {
  it('puts changes onto a record, and keeps all else of it', () => {
    const record = recordOf({ a: 1, b: 2, c: 3 }, { owner, renewedAt: 5 })
    const edit = editOf(recordOf({ a: 1, b: 2, c: 3 }), { a: 10, b: undefined, d: 4 })
    const replayed = replay(record, edit, large)
    expect(valuesOf(replayed)).toEqual({ a: 10, c: 3, d: 4 })
    expect({ ...replayed, blocks: null }).toEqual({ ...record, blocks: null })
  })

  it('leaves the record that it was given as it was', () => {
    const record = recordOf({ a: 1 })
    replay(record, editOf(record, { a: 2, b: 1 }), large)
    expect(valuesOf(record)).toEqual({ a: 1 })
  })

  it('settles a key that another writer changed, with all three versions', () => {
    const seen: unknown[] = []
    const settle: Settle = (key, contest) => {
      seen.push([key, contest])
      return blocksOf({ a: 'settled' }).get('a')
    }
    const edit = editOf(recordOf({ a: 1, b: 1 }), { a: 2, b: 2 })
    const replayed = replay(recordOf({ a: 3, b: 1 }), edit, { ...large, settle })
    expect(valuesOf(replayed)).toEqual({ a: 'settled', b: 2 })
    const block = (value: number): unknown => blocksOf({ a: value }).get('a')
    expect(seen).toEqual([['a', { base: block(1), ours: block(2), theirs: block(3) }]])
  })

  it('rule 7: refuses what passes the limit, by the size of the whole', () => {
    const record = recordOf({ theirs: 'x'.repeat(1000) })
    const edit = editOf(recordOf({}), { ours: 'y'.repeat(1000) })
    expect(() => replay(record, edit, { settle: ours, maxBytes: 2000 })).toThrow(SessionError)
    expect(() => replay(record, edit, { settle: ours, maxBytes: 2000 })).toThrow(
      expect.objectContaining({ code: 'too-large' }),
    )
    expect(valuesOf(replay(record, edit, { settle: ours, maxBytes: 3000 }))).toHaveProperty('ours')
  })

  it('passes on what a resolver throws', () => {
    const error = new SessionError('merge-failed', 'x')
    const settle: Settle = () => {
      throw error
    }
    const edit = editOf(recordOf({ a: 1 }), { a: 2 })
    expect(() => replay(recordOf({ a: 3 }), edit, { ...large, settle })).toThrow(error)
    expect(() => replay(recordOf({ a: 1 }), edit, { ...large, settle })).not.toThrow()
  })
})
