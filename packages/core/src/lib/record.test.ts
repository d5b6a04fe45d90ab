import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SessionError } from './errors.ts'
import { addWrite, checkSize, decodeRecord, encodeRecord, hasWrite, noWrites } from './record.ts'
import { rememberedWrites } from './record.ts'
import type { SessionRecord, Writes } from './record.ts'
import { encodeValue } from './value.ts'

const SECRET = 'hunter2-hunter2'

const keys = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: 'binary', minLength: 80, maxLength: 120 }),
    fc.constantFrom('', '0', '17', 'constructor', 'toString'),
  )
  .filter((key) => key !== '__proto__')

const records: fc.Arbitrary<SessionRecord> = fc.record({
  createdAt: fc.oneof(fc.nat(), fc.maxSafeNat()),
  writes: fc.record({
    count: fc.oneof(fc.nat(), fc.maxSafeNat()),
    ids: fc.array(fc.nat({ max: 2 ** 32 - 1 }), { maxLength: rememberedWrites }),
  }),
  blocks: fc
    .array(fc.tuple(keys, fc.uint8Array({ maxLength: 300 })), { maxLength: 40 })
    .map((entries) => new Map(entries)),
})

function recordOf(values: Record<string, unknown>): SessionRecord {
  const blocks = new Map(Object.entries(values).map(([key, of]) => [key, encodeValue(key, of)]))
  return { createdAt: 0, writes: noWrites, blocks }
}

describe('a record', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(records, (record) => {
        const back = decodeRecord(encodeRecord(record))
        expect(back?.createdAt).toBe(record.createdAt)
        expect(back?.writes).toEqual(record.writes)
        expect(entriesOf(back)).toEqual(entriesOf(record))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps the order of keys, as an object has it', () => {
    const { blocks } = decodeRecord(encodeRecord(recordOf({ z: 1, a: 2, m: 3 }))) as SessionRecord
    expect([...blocks.keys()]).toEqual(['z', 'a', 'm'])
  })

  it('has the same bytes when it is encoded again', () => {
    fc.assert(
      fc.property(records, (record) => {
        const bytes = encodeRecord(record)
        expect(encodeRecord(decodeRecord(bytes) as SessionRecord)).toEqual(bytes)
      }),
      { numRuns: 300 },
    )
  })

  it('is decoded without copying its blocks', () => {
    const bytes = encodeRecord(recordOf({ a: 'x'.repeat(100) }))
    const block = decodeRecord(bytes)?.blocks.get('a')
    expect(block?.buffer).toBe(bytes.buffer)
  })

  it('is decoded from a part of a larger buffer', () => {
    const bytes = encodeRecord(recordOf({ a: 1 }))
    const larger = new Uint8Array(bytes.length + 10)
    larger.set(bytes, 5)
    expect(decodeRecord(larger.subarray(5, 5 + bytes.length)))
      .toEqual(decodeRecord(bytes))
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 1],
    ['an object', { format: 1 }],
    ['an empty array', []],
    ['another format', [2, 5, 0, new Uint8Array(0), {}]],
    ['no format', [null, 5, 0, new Uint8Array(0), {}]],
    ['fewer parts', [1, 5, 0, new Uint8Array(0)]],
    ['more parts', [1, 5, 0, new Uint8Array(0), {}, 0]],
    ['a time that is text', [1, '5', 0, new Uint8Array(0), {}]],
    ['a negative time', [1, -5, 0, new Uint8Array(0), {}]],
    ['a time that is a fraction', [1, 5.5, 0, new Uint8Array(0), {}]],
    ['a time that is NaN', [1, Number.NaN, 0, new Uint8Array(0), {}]],
    ['a time beyond the safe integers', [1, 2 ** 60, 0, new Uint8Array(0), {}]],
    ['a count that is text', [1, 5, 'x', new Uint8Array(0), {}]],
    ['a negative count', [1, 5, -1, new Uint8Array(0), {}]],
    ['write ids that are no bytes', [1, 5, 0, [1], {}]],
    ['write ids that are cut short', [1, 5, 0, new Uint8Array(3), {}]],
    ['data that are null', [1, 5, 0, new Uint8Array(0), null]],
    ['data that are an array', [1, 5, 0, new Uint8Array(0), [new Uint8Array(1)]]],
    ['data that are text', [1, 5, 0, new Uint8Array(0), 'abc']],
    ['a value that is no block', [1, 5, 0, new Uint8Array(0), { a: 'x' }]],
    ['a value that is null', [1, 5, 0, new Uint8Array(0), { a: null }]],
    ['a block among other values', [1, 5, 0, new Uint8Array(0), { a: new Uint8Array(1), b: 1 }]],
  ])('S45: is null for %s', (_kind, frame) => {
    expect(decodeRecord(encode(frame))).toBeNull()
  })

  it('is null for no bytes, for bytes that announce too much, and for what others store', () => {
    expect(decodeRecord(new Uint8Array(0))).toBeNull()
    expect(decodeRecord(Uint8Array.of(0xdd, 255, 255, 255, 255))).toBeNull()
    expect(decodeRecord(new Uint8Array(1_000_000).fill(0x91))).toBeNull()
    expect(decodeRecord(new TextEncoder().encode('{"user":1}'))).toBeNull()
    expect(decodeRecord(new TextEncoder().encode('\u0004\b{\u0006'))).toBeNull()
  })

  it('S30: is null for a record with __proto__ as key', () => {
    const blocks = new Map([['__proto__', Uint8Array.of(1)]])
    expect(decodeRecord(encodeRecord({ ...recordOf({}), blocks }))).toBeNull()
  })

  it('S43: 100,000 damaged records are null or a record, and never throw', () => {
    const random = randomFrom(20_260_317)
    const whole = encodeRecord({
      createdAt: 1_700_000_000_000,
      writes: { count: 300, ids: [1, 2 ** 31, 2 ** 32 - 1] },
      blocks: recordOf({ user: { id: 1 }, tags: ['a', 'b'], '': null, n: 2 ** 40 }).blocks,
    })
    const seen = { record: 0, none: 0 }
    for (let run = 0; run < 100_000; run++) {
      const bytes = damage(whole, random)
      const record = decode(bytes)
      seen[record === null ? 'none' : 'record']++
      if (record === null) continue
      const { createdAt, writes, blocks } = record
      const sound =
        Number.isSafeInteger(createdAt) &&
        Number.isSafeInteger(writes.count) &&
        writes.ids.every((id) => id >>> 0 === id) &&
        [...blocks.values()].every((block) => block instanceof Uint8Array)
      if (!sound) throw new Error(Buffer.from(bytes).toString('hex'))
    }
    expect(seen.record).toBeGreaterThan(10_000)
    expect(seen.none).toBeGreaterThan(10_000)
    expect(decodeRecord(whole)?.blocks.size).toBe(4)
  })
})

describe('the ids of its writes', () => {
  function after(count: number, start: Writes = noWrites): Writes {
    let writes = start
    for (let id = 1; id <= count; id++) writes = addWrite(writes, id)
    return writes
  }

  it('S88: finds a write while at most 16 others came after it', () => {
    for (let others = 0; others < rememberedWrites; others++) {
      expect(hasWrite(after(others, addWrite(noWrites, 77)), 77, 0)).toBe(true)
    }
  })

  it('S88: does not know, once so many came after it that it would have been forgotten', () => {
    const forgotten = after(rememberedWrites, addWrite(noWrites, 77))
    expect(forgotten.ids).not.toContain(77)
    expect(hasWrite(forgotten, 77, 0)).toBe('unknown')
    expect(hasWrite(after(100), 77, 0)).toBe('unknown')
  })

  it('S88: knows that a write never came, while all that came are remembered', () => {
    expect(hasWrite(noWrites, 77, 0)).toBe(false)
    for (let others = 0; others <= rememberedWrites; others++) {
      expect(hasWrite(after(others, after(5)), 77, 5)).toBe(false)
    }
    expect(hasWrite(after(rememberedWrites + 1, after(5)), 77, 5)).toBe('unknown')
  })

  it('S88: never says the wrong thing, whoever wrote how often', () => {
    const few = fc.nat({ max: 40 })
    fc.assert(
      fc.property(few, few, few, fc.boolean(), (before, between, later, landed) => {
        const base = after(before)
        const written = after(between, base)
        const mine = landed ? addWrite(written, 99_999) : written
        const now = after(later, mine)
        const answer = hasWrite(now, 99_999, base.count)
        const certain = between + later + 1 <= rememberedWrites
        expect(certain ? [landed] : [landed, 'unknown']).toContain(answer)
      }),
      { numRuns: 1000 },
    )
  })

  it('remembers the newest 16, and changes no list that somebody holds', () => {
    const full = after(16)
    const more = addWrite(full, 17)
    expect(more).toEqual({ count: 17, ids: Array.from({ length: 16 }, (_, at) => at + 2) })
    expect(full.ids).toHaveLength(16)
    expect(noWrites).toEqual({ count: 0, ids: [] })
  })
})

describe('the size of a record', () => {
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
        const written = { ...record, writes: addWrite(record.writes, 2 ** 32 - 1) }
        const real = Math.max(encodeRecord(record).length, encodeRecord(written).length)
        expect(isAllowed(record, real - 1)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('is thought larger by the frame and a few bytes a key at most', () => {
    fc.assert(
      fc.property(records, (record) => {
        const letters = [...record.blocks.keys()].join('').length
        const allowance = 128 + record.blocks.size * 10 + letters * 2
        expect(isAllowed(record, encodeRecord(record).length + allowance)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('rule 7: allows exactly the limit', () => {
    const record = recordOf({ a: 'x'.repeat(1000) })
    let limit = 0
    while (!isAllowed(record, limit)) limit++
    expect(isAllowed(record, limit - 1)).toBe(false)
    expect(limit).toBeGreaterThanOrEqual(encodeRecord(record).length)
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
      'Largest: session.data["the avatar"] (603 bytes), session.data.cart (303 bytes), '
      + 'session.data.tags (152 bytes). Nothing was saved',
    )
    expect(error.message).not.toContain(SECRET)
    expect(error.message).not.toContain('small')
  })

  it('names what there is when there are fewer than three', () => {
    expect(refusal(recordOf({ a: 'x'.repeat(500) }), 256).message)
      .toContain('Largest: session.data.a (503 bytes). Nothing')
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

/** Sorted by key, because an object puts keys that are numbers first. */
function entriesOf(record: SessionRecord | null): [string, string][] {
  return [...(record?.blocks ?? [])]
    .map(([key, block]): [string, string] => [key, Buffer.from(block).toString('hex')])
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
}

function decode(bytes: Uint8Array): SessionRecord | null {
  try {
    return decodeRecord(bytes)
  } catch (cause) {
    throw new Error(Buffer.from(bytes).toString('hex'), { cause })
  }
}

/** A small generator with a seed, so that a failure can be run again. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function damage(whole: Uint8Array, random: (below: number) => number): Uint8Array {
  const bytes = [...whole]
  for (let left = 1 + random(2); left > 0; left--) {
    const at = random(bytes.length)
    const way = random(8)
    if (way === 0) bytes.splice(at, 1 + random(3))
    else if (way === 1) bytes.splice(at, 0, random(256))
    else if (way === 2) bytes.length = Math.max(1, at)
    else bytes[at] = way < 5 ? 0x80 + random(0x60) : random(256)
  }
  return Uint8Array.from(bytes)
}
