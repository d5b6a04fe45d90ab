import { describe, expect, it } from 'vitest'
import { blocksOf, editOf, recordOf, valuesOf } from '../../test/fakes/context.ts'
import { SessionError } from '../errors.ts'
import type { Settle } from '../rules/diff-and-merge.ts'
import { ours } from '../rules/diff-and-merge.ts'
import { replay } from './edit.ts'

const large = { settle: ours, maxBytes: 65_536 }
const owner = { subject: 'zoë', listId: 'the list', ref: 'the ref' }

const offered = {
  id: 'device',
  secret: new Uint8Array(16),
  offeredAt: 1,
  key: null,
  proofs: 0,
}

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

  it('rule 7: adds nothing to a record that is too large already, and is not refused for it', () => {
    const record = recordOf({ a: 'x'.repeat(1000), b: 1 })
    const small = { settle: ours, maxBytes: 1000 }
    const rotation = { ...editOf(record, {}), isAsked: false, usesToken: true }
    expect(valuesOf(replay(record, rotation, small))).toHaveProperty('b', 1)
    expect(valuesOf(replay(record, editOf(record, { b: undefined }), small))).not.toHaveProperty(
      'b',
    )
    expect(() => replay(record, editOf(record, { b: 1000 }), small)).toThrow(SessionError)
    const shorter = editOf(record, { a: 'x'.repeat(999), b: 2 })
    expect(valuesOf(replay(record, shorter, small))).toHaveProperty('b', 2)
    const proved = { ...offered, proofs: 2 }
    const proof = { ...editOf(record, {}), device: { from: offered, to: proved } }
    const bound = { ...record, device: offered }
    expect(replay(bound, proof, small).device).toBe(proved)
    const key = { algorithm: 'ES256', spki: new Uint8Array(91) } as const
    const registration = { from: offered, to: { ...offered, key } }
    expect(() => replay(bound, { ...proof, device: registration }, small)).toThrow(SessionError)
  })

  it('rule 7: counts the subject and the device of a sign-in before it is made', () => {
    const record = recordOf({ a: 'x'.repeat(600) })
    const signIn = { subject: 's'.repeat(20), label: null, isPersistent: undefined }
    const by = (more: object) => () =>
      replay(record, { ...editOf(record, {}), ...more }, { settle: ours, maxBytes: 950 })
    expect(by({})).not.toThrow()
    expect(by({ signIn })).not.toThrow()
    expect(by({ signIn, offer: offered })).toThrow(SessionError)
    expect(by({ signIn: { ...signIn, subject: 's'.repeat(40) } })).toThrow(SessionError)
    expect(by({ signIn })().owner).toBeNull()
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
