import { describe, expect, it } from 'vitest'
import { blocksOf, editOf, fake, recordOf, start, valuesOf } from '../../test/fakes/context.ts'
import { offered, proven, registered } from '../../test/fakes/devices.ts'
import { SessionError } from '../errors.ts'
import type { Settle } from '../rules/diff-and-merge.ts'
import { ours } from '../rules/diff-and-merge.ts'
import { beginRecord, DeviceChanged, hasTaken, NotWritable, replay } from './edit.ts'

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

  it('rule 7: adds nothing to a record that is too large already, and is not refused for it', () => {
    const record = recordOf({ a: 'x'.repeat(1000), b: 1 })
    const small = { settle: ours, maxBytes: 1000 }
    const rotation = { ...editOf(record, {}), isAsked: false, usesToken: record.rotatedAt }
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
    const registration = { from: offered, to: registered }
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

describe('beginRecord', () => {
  const root = new Uint8Array(16).fill(7)
  const blocks = blocksOf({ a: 1 })

  it('begins a session with the version that this code writes, and with none if it has none', () => {
    const migrate = { version: 3, up: (data: object) => data }
    const begun = beginRecord(fake({ migrate }).context, start, root, blocks)
    expect(begun).toMatchObject({ createdAt: start, root, blocks, version: 3 })
    for (const options of [{}, { migrate: { ...migrate, version: 0, reads: 1 } }]) {
      const { version, ...plain } = beginRecord(fake(options).context, start, root, blocks)
      expect(version).toBeUndefined()
      expect(plain).toMatchObject({ createdAt: start, root, blocks })
    }
  })
})

describe('an edit that cannot be written any more', () => {
  const taking = (...keys: string[]): { readonly taken: ReadonlySet<string> } => ({
    taken: new Set(keys),
  })
  const base = recordOf({ flash: 'saved!', a: 1 })

  it.each([
    ['has it as it was', { flash: 'saved!', a: 2 }, null],
    ['has another in its place', { flash: 'other', a: 1 }, 'taken'],
    ['has none any more', { a: 1 }, 'taken'],
  ])('has taken a value where the session now %s', (_what, values, outcome) => {
    const edit = editOf(base, { flash: undefined }, taking('flash'))
    const replaying = (): unknown => valuesOf(replay(recordOf(values), edit, large))
    if (outcome === null) expect(replaying()).toEqual({ a: 2 })
    else expect(replaying).toThrow(expect.objectContaining({ outcome }))
    if (outcome !== null) expect(replaying).toThrow(NotWritable)
  })

  it('is none that has taken what this request put in itself, or what was not there', () => {
    const edit = editOf(base, { b: 1 }, taking('own', 'missing'))
    const theirs = recordOf({ flash: 'saved!', a: 1, own: 'of another request' })
    expect(valuesOf(replay(theirs, edit, large))).toMatchObject({ own: 'of another request', b: 1 })
  })

  it('has taken a value if it was in the session, and not otherwise', () => {
    expect(hasTaken(editOf(base, {}, taking('own', 'flash')))).toBe(true)
    expect(hasTaken(editOf(base, {}, taking('own')))).toBe(false)
    expect(hasTaken(editOf(base, {}))).toBe(false)
  })

  it('was made on data of another version', () => {
    for (const [version, now] of [
      [1, 2],
      [2, 1],
      [undefined, 1],
      [1, undefined],
    ]) {
      const edit = editOf(base, { a: 2 }, { version })
      const there = recordOf({ a: 1 }, { version: now })
      expect(() => replay(there, edit, large)).toThrow(
        expect.objectContaining({ outcome: 'unavailable' }),
      )
      expect(valuesOf(replay({ ...there, version }, edit, large))).toHaveProperty('a', 2)
    }
  })
})

describe('what an edit makes of the token and of the device', () => {
  it.each([
    [true, null, true],
    [true, 7, false],
    [true, 6, true],
    [false, null, false],
    [false, 7, false],
  ])(
    'rule 4: a token of time 7 that is unused (%s), where that of time %s is used: %s',
    (before, usesToken, after) => {
      const record = recordOf({}, { isTokenUnused: before, rotatedAt: 7 })
      expect(replay(record, editOf(record, {}, { usesToken }), large).isTokenUnused).toBe(after)
    },
  )

  it('replaces the device if it is as it was read, whatever else has changed', () => {
    const edit = editOf(recordOf({}), {}, { device: { from: registered, to: proven } })
    const copy = { ...registered, secret: registered.secret.slice() }
    expect(replay(recordOf({ b: 1 }, { device: copy }), edit, large).device).toBe(proven)
    for (const device of [undefined, offered, proven, { ...registered, id: 'another' }]) {
      expect(() => replay(recordOf({}, { device }), edit, large)).toThrow(DeviceChanged)
    }
  })
})
