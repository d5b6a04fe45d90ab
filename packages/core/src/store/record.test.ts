import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { proven } from '../../test/fakes/devices.ts'
import { blank, recordOf, records } from '../../test/fakes/records.ts'
import { SessionError } from '../errors.ts'
import { encodeEntry } from './record-codec.ts'
import {
  addWrite,
  blankRecord,
  checkSize,
  hasWrite,
  noWrites,
  rememberedWrites,
  rootLength,
} from './record.ts'
import type { SessionRecord, Writes } from './record.ts'

const SECRET = 'hunter2-hunter2'

describe('a blank record', () => {
  it('has begun now, is anonymous, and has a root and nothing else', () => {
    const root = new Uint8Array(rootLength).fill(3)
    expect(blankRecord(5, root)).toEqual({
      createdAt: 5,
      renewedAt: null,
      rotatedAt: 5,
      owner: null,
      root,
      writes: noWrites,
      blocks: new Map(),
      movingUntil: 0,
      isTokenUnused: false,
    })
  })
})

describe('the ids of its writes', () => {
  const idOf = (number: number) => Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)
  const numbersOf = ({ ids }: Writes) => {
    const view = new DataView(ids.buffer, ids.byteOffset, ids.length)
    return Array.from({ length: ids.length / 4 }, (_, at) => view.getUint32(at * 4))
  }
  function after(count: number, start: Writes = noWrites): Writes {
    let writes = start
    for (let id = 1; id <= count; id++) writes = addWrite(writes, idOf(id))
    return writes
  }

  it('S88: finds a write while at most 16 others came after it', () => {
    for (let others = 0; others < rememberedWrites; others++) {
      expect(hasWrite(after(others, addWrite(noWrites, idOf(77))), idOf(77), 0)).toBe(true)
    }
  })

  it('S88: does not know, once so many came after it that it would have been forgotten', () => {
    const forgotten = after(rememberedWrites, addWrite(noWrites, idOf(77)))
    expect(numbersOf(forgotten)).not.toContain(77)
    expect(hasWrite(forgotten, idOf(77), 0)).toBe('unknown')
    expect(hasWrite(after(100), idOf(77), 0)).toBe('unknown')
  })

  it('S88: knows that a write never came, while all that came are remembered', () => {
    expect(hasWrite(noWrites, idOf(77), 0)).toBe(false)
    for (let others = 0; others <= rememberedWrites; others++) {
      expect(hasWrite(after(others, after(5)), idOf(77), 5)).toBe(false)
    }
    expect(hasWrite(after(rememberedWrites + 1, after(5)), idOf(77), 5)).toBe('unknown')
  })

  it('S88: never says the wrong thing, however many writes there were', () => {
    const few = fc.nat({ max: 40 })
    fc.assert(
      fc.property(few, few, few, fc.boolean(), (before, between, later, landed) => {
        const base = after(before)
        const written = after(between, base)
        const mine = landed ? addWrite(written, idOf(99_999)) : written
        const now = after(later, mine)
        const answer = hasWrite(now, idOf(99_999), base.count)
        const certain = between + later + 1 <= rememberedWrites
        expect(certain ? [landed] : [landed, 'unknown']).toContain(answer)
      }),
      { numRuns: 1000 },
    )
  })

  it('remembers the newest 16, and leaves the list that it was given as it was', () => {
    const full = after(16)
    const more = addWrite(full, idOf(17))
    expect(more.count).toBe(17)
    expect(numbersOf(more)).toEqual(Array.from({ length: 16 }, (_, at) => at + 2))
    expect(numbersOf(full)).toHaveLength(16)
    expect(noWrites).toEqual({ count: 0, ids: new Uint8Array(0) })
  })
})

describe('the size of a record', () => {
  /** What the seal adds: version, key id, nonce, tag. */
  const sealing = 1 + 4 + 12 + 16

  function isAllowed(record: SessionRecord, limit: number): boolean {
    try {
      checkSize(record, limit)
      return true
    } catch {
      return false
    }
  }

  it('rule 7: is never thought smaller than it is, even after one more write', () => {
    fc.assert(
      fc.property(records, (record) => {
        const written = { ...record, writes: addWrite(record.writes, new Uint8Array(4).fill(255)) }
        const real = sealing + Math.max(encodeEntry(record).length, encodeEntry(written).length)
        expect(isAllowed(record, real - 1)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('is thought larger by the frame and a few bytes a key at most', () => {
    fc.assert(
      fc.property(records, (record) => {
        const letters = [...record.blocks.keys()].join('').length
        const subject = (record.owner?.subject.length ?? 0) * 3
        const allowance = 256 + subject + record.blocks.size * 10 + letters * 2
        expect(isAllowed(record, encodeEntry(record).length + allowance)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it.each(['blocks', 'dropped'])(
    'rule 7: is never thought smaller, with long keys: %s',
    (place) => {
      const block = new Uint8Array(300)
      const names = Array.from({ length: 300 }, (_, at) => {
        return String.fromCharCode(0x4e00 + at).repeat(100)
      })
      const owner = { subject: '\uffff'.repeat(256), listId: 'L'.repeat(43), ref: 'h'.repeat(16) }
      const record = { ...blank, owner, [place]: new Map(names.map((name) => [name, block])) }
      expect(isAllowed(record, sealing + encodeEntry(record).length - 1)).toBe(false)
    },
  )

  it('rule 7: allows exactly the limit', () => {
    const record = recordOf({ a: 'x'.repeat(1000) })
    const size = Number(/take (\d+) bytes/.exec(refusal(record, 256).message)?.[1])
    expect(size).toBeGreaterThanOrEqual(encodeEntry(record).length + sealing)
    expect([isAllowed(record, size - 1), isAllowed(record, size)]).toEqual([false, true])
  })

  it('rule 7: names the three largest keys, the size and the limit, and no value', () => {
    const record = recordOf({
      small: SECRET,
      cart: SECRET.repeat(20),
      'the avatar': SECRET.repeat(40),
      tags: SECRET.repeat(10),
    })
    const error = refusal(record, 256)
    expect(error.code).toBe('too-large')
    expect(error.message).toMatch(/^The session would take \d+ bytes, and 256 are allowed\. /)
    expect(error.message).toContain(
      'Largest: session.data["the avatar"] (603 bytes), session.data.cart (303 bytes), ' +
        'session.data.tags (152 bytes). Nothing was saved',
    )
    expect(error.message).not.toContain(SECRET)
    expect(error.message).not.toContain('small')
  })

  it('rule 7: has the device in it, and what the schema drops, which is stored too', () => {
    const key = { algorithm: 'RS256', spki: new Uint8Array(550) } as const
    const dropped = new Map([['of another version', new Uint8Array(1000)]])
    for (const more of [{ device: { ...proven, key } }, { dropped }]) {
      const record = { ...recordOf({ a: 1 }), ...more }
      const real = encodeEntry(record).length + sealing
      expect([isAllowed(record, real - 1), isAllowed(record, real + 400)]).toEqual([false, true])
    }
    expect(refusal({ ...recordOf({ a: 1 }), dropped }, 256).message).toContain(
      'session.data["of another version"] (1000 bytes), session.data.a (1 bytes)',
    )
  })

  it.each([
    ['as large', 1000, true],
    ['smaller', 999, true],
    ['larger', 1001, false],
  ])('rule 7: fails no request by what was too large before: %s', (_what, length, isRight) => {
    const [before, after] = [recordOf({ a: 'x'.repeat(1000) }), recordOf({ a: 'x'.repeat(length) })]
    const check = (): void => checkSize(after, 256, before)
    if (isRight) expect(check).not.toThrow()
    else expect(check).toThrow(expect.objectContaining({ code: 'too-large' }))
  })

  it('names what there is when there are fewer than three', () => {
    expect(refusal(recordOf({ a: 'x'.repeat(500) }), 256).message).toContain(
      'Largest: session.data.a (503 bytes). Nothing',
    )
  })
})

function refusal(record: SessionRecord, limit: number): SessionError {
  try {
    checkSize(record, limit)
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
  throw new Error('it was not refused')
}
