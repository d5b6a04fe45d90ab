import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SessionError } from '../errors.ts'
import {
  addWrite,
  checkSize,
  decodeEntry,
  encodeEntry,
  hasWrite,
  isForward,
  isMovedMark,
  isRecord,
} from './record.ts'
import { blankRecord, noWrites, recordCodec, rememberedWrites, rootLength } from './record.ts'
import type { Forward, MovedMark, Owner, SessionRecord, Writes } from './record.ts'
import { encodeValue } from '../data/value.ts'

const SECRET = 'hunter2-hunter2'

const keys = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: 'binary', minLength: 80, maxLength: 120 }),
    fc.constantFrom('', '0', '17', 'constructor', 'toString'),
  )
  .filter((key) => key !== '__proto__')

const times = fc.oneof(fc.nat(), fc.maxSafeNat())

const owners: fc.Arbitrary<Owner> = fc.record({
  subject: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constant('\uffff'.repeat(256)),
  ),
  listId: fc.constant('L'.repeat(43)),
  ref: fc.constant('h'.repeat(16)),
})

const records: fc.Arbitrary<SessionRecord> = fc.record({
  createdAt: times,
  renewedAt: fc.option(times),
  rotatedAt: times,
  owner: fc.option(owners),
  root: fc.uint8Array({ minLength: rootLength, maxLength: rootLength }),
  writes: fc.record({
    count: fc.oneof(fc.nat(), fc.maxSafeNat()),
    ids: fc.array(fc.nat({ max: 2 ** 32 - 1 }), { maxLength: rememberedWrites }),
  }),
  blocks: fc
    .array(fc.tuple(keys, fc.uint8Array({ maxLength: 300 })), { maxLength: 40 })
    .map((entries) => new Map(entries)),
  movingUntil: times,
  isTokenUnused: fc.boolean(),
})

function recordOf(values: Record<string, unknown>): SessionRecord {
  const blocks = new Map(Object.entries(values).map(([key, of]) => [key, encodeValue(key, of)]))
  return { ...blank, blocks }
}

const blank: SessionRecord = {
  createdAt: 0,
  renewedAt: null,
  rotatedAt: 0,
  owner: null,
  root: new Uint8Array(rootLength),
  writes: noWrites,
  blocks: new Map(),
  movingUntil: 0,
  isTokenUnused: false,
}

function decodeRecord(bytes: Uint8Array): SessionRecord | null {
  const entry = decodeEntry(bytes)
  if (entry !== null && !isRecord(entry)) throw new Error(`no record, but a ${entry.kind}`)
  return entry
}

/** The parts of a sound record, some of them replaced. */
function frame(parts: Readonly<Record<number, unknown>>): unknown[] {
  return Object.assign([4, 5, null, 5, null, blank.root, 0, new Uint8Array(0), {}, 0, false], parts)
}

describe('a record', () => {
  it('comes back as it was', () => {
    fc.assert(
      fc.property(records, (record) => {
        const back = decodeRecord(encodeEntry(record))
        expect({ ...back, blocks: null }).toEqual({ ...record, blocks: null })
        expect(entriesOf(back)).toEqual(entriesOf(record))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps the order of keys, as an object has it', () => {
    const { blocks } = decodeRecord(encodeEntry(recordOf({ z: 1, a: 2, m: 3 }))) as SessionRecord
    expect([...blocks.keys()]).toEqual(['z', 'a', 'm'])
  })

  it('has the same bytes when it is encoded again', () => {
    fc.assert(
      fc.property(records, (record) => {
        const bytes = encodeEntry(record)
        expect(encodeEntry(decodeRecord(bytes) as SessionRecord)).toEqual(bytes)
      }),
      { numRuns: 300 },
    )
  })

  it('is known without decoding, unless a block would keep a larger record in memory', () => {
    const large = recordOf({ a: 1, draft: 'x'.repeat(1000) })
    const loaded = decodeRecord(encodeEntry(large)) as SessionRecord
    const small = { ...loaded, blocks: new Map([...loaded.blocks].slice(0, 1)) }
    const sizeOf = (record: SessionRecord): number => encodeEntry(record).length
    expect(recordCodec.asDecoded(large, sizeOf(large))).toBe(large)
    expect(recordCodec.asDecoded(loaded, sizeOf(loaded))).toBe(loaded)
    expect(recordCodec.asDecoded(small, sizeOf(small))).toBeNull()
    const dropped = new Map([['old', encodeValue('old', 1)]])
    expect(recordCodec.asDecoded({ ...large, dropped }, sizeOf(large))).toBeNull()
  })

  it('is decoded without copying its blocks', () => {
    const bytes = encodeEntry(recordOf({ a: 'x'.repeat(100) }))
    const block = decodeRecord(bytes)?.blocks.get('a')
    expect(block?.buffer).toBe(bytes.buffer)
  })

  it('is decoded from a part of a larger buffer', () => {
    const bytes = encodeEntry(recordOf({ a: 1 }))
    const larger = new Uint8Array(bytes.length + 10)
    larger.set(bytes, 5)
    expect(decodeRecord(larger.subarray(5, 5 + bytes.length))).toEqual(decodeRecord(bytes))
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 1],
    ['an object', { format: 1 }],
    ['an empty array', []],
    ['a list of sessions', [6]],
    ['the format of a former version', frame({ 0: 1 }).slice(0, 9)],
    ['an unknown format', frame({ 0: 7 })],
    ['a format that is text', frame({ 0: '4' })],
    ['an unknown format of two parts', [7, 'token', 5]],
    ['no format', frame({ 0: null })],
    ['fewer parts', frame({}).slice(0, -1)],
    ['more parts', [...frame({}), 0]],
    ['a time that is text', frame({ 1: '5' })],
    ['a negative time', frame({ 1: -5 })],
    ['a time that is a fraction', frame({ 1: 5.5 })],
    ['a time that is NaN', frame({ 1: Number.NaN })],
    ['a time beyond the safe integers', frame({ 1: 2 ** 60 })],
    ['a renewal at no time', frame({ 2: 'never' })],
    ['a rotation at no time', frame({ 3: null })],
    ['an owner that is text', frame({ 4: 'user' })],
    ['an owner without a ref', frame({ 4: ['user', 'list'] })],
    ['an owner with a number for a subject', frame({ 4: [1, 'list', 'ref'] })],
    ['a root that is too short', frame({ 5: new Uint8Array(rootLength - 1) })],
    ['a root that is text', frame({ 5: 'r'.repeat(rootLength) })],
    ['a count that is text', frame({ 6: 'x' })],
    ['a negative count', frame({ 6: -1 })],
    ['write ids that are no bytes', frame({ 7: [1] })],
    ['write ids that are cut short', frame({ 7: new Uint8Array(3) })],
    ['data that are null', frame({ 8: null })],
    ['data that are an array', frame({ 8: [new Uint8Array(1)] })],
    ['data that are text', frame({ 8: 'abc' })],
    ['data that are a Date', frame({ 8: new Date(5) })],
    ['data that are no bytes', frame({ 8: new Uint8Array(0) })],
    ['a value that is no block', frame({ 8: { a: 'x' } })],
    ['a value that is null', frame({ 8: { a: null } })],
    ['a block among other values', frame({ 8: { a: new Uint8Array(1), b: 1 } })],
    ['a move until a time that is text', frame({ 9: '5' })],
    ['a move until a negative time', frame({ 9: -5 })],
    ['a token that is used by a number', frame({ 10: 1 })],
    ['a token of which nothing is known', frame({ 10: null })],
    ['a forward to no token', [2, 5, 5]],
    ['a forward without an end', [2, 'token', null]],
    ['a forward with more parts', [2, 'token', 5, 5]],
    ['a mark without an id', [5, null, 'key', null, 5]],
    ['a mark without a key', [5, 'id', new Uint8Array(32), null, 5]],
    ['a mark with an owner cut short', [5, 'id', 'key', ['user', 'list'], 5]],
    ['a mark without an end', [5, 'id', 'key', null, null]],
    ['a mark with fewer parts', [5, 'id', 'key', null]],
    ['a mark with more parts', [5, 'id', 'key', null, 5, 5]],
  ])('S45: is null for %s', (_kind, value) => {
    expect(decodeEntry(encode(value))).toBeNull()
  })

  it('S45: is read from the frame that the damaged ones above began as', () => {
    expect(decodeRecord(encode(frame({})))).toEqual({ ...blank, createdAt: 5, rotatedAt: 5 })
  })

  it('is null for no bytes, for bytes that announce too much, and for the formats of other libraries', () => {
    expect(decodeRecord(new Uint8Array(0))).toBeNull()
    expect(decodeRecord(Uint8Array.of(0xdd, 255, 255, 255, 255))).toBeNull()
    expect(decodeRecord(new Uint8Array(1_000_000).fill(0x91))).toBeNull()
    expect(decodeRecord(new TextEncoder().encode('{"user":1}'))).toBeNull()
    expect(decodeRecord(new TextEncoder().encode('\u0004\b{\u0006'))).toBeNull()
  })

  it('S45: is null for a record with half a surrogate pair in a key, which no save would take', () => {
    const bytes = encodeEntry(recordOf({ ab0: 1, ok: 2 }))
    const at = Buffer.from(bytes).indexOf('ab0')
    expect(decodeRecord(bytes)).not.toBeNull()
    bytes.set([0xed, 0xa0, 0x80], at) // U+D800, as UTF-8 that a strict decoder would refuse
    expect(decodeRecord(bytes)).toBeNull()
  })

  it('S30: is null for a record with __proto__ as key', () => {
    const blocks = new Map([['__proto__', Uint8Array.of(1)]])
    expect(decodeRecord(encodeEntry({ ...recordOf({}), blocks }))).toBeNull()
  })

  it('S43: 100,000 damaged records are null or a record, and never throw', () => {
    const random = randomFrom(20_260_317)
    const whole = encodeEntry({
      ...blank,
      createdAt: 1_700_000_000_000,
      owner: { subject: 'user-1', listId: 'L'.repeat(43), ref: 'h'.repeat(16) },
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

describe('a blank record', () => {
  it('has begun now, is anonymous, and has a root and nothing else', () => {
    const root = new Uint8Array(rootLength).fill(3)
    expect(blankRecord(5, root)).toEqual({
      createdAt: 5,
      renewedAt: null,
      rotatedAt: 5,
      owner: null,
      root,
      writes: { count: 0, ids: [] },
      blocks: new Map(),
      movingUntil: 0,
      isTokenUnused: false,
    })
  })
})

describe('the codec of what is under an id', () => {
  it('reads what it writes, of every kind', () => {
    for (const entry of [
      recordOf({ a: 1 }),
      { kind: 'forward', token: 'T', until: 5 },
      { kind: 'moved', id: 'I', markKey: 'K', owner: null, until: 5 },
    ] as const) {
      expect(recordCodec.decode(recordCodec.encode(entry))).toEqual(entry)
      expect(recordCodec.encode(entry)).toEqual(encodeEntry(entry))
    }
    expect(recordCodec.decode(Uint8Array.of(1))).toBeNull()
  })
})

describe('what a record is decoded to', () => {
  it('is the record itself, where the schema has dropped nothing', () => {
    fc.assert(
      fc.property(records, (record) => {
        const known = recordCodec.asDecoded(record, encodeEntry(record).length)
        expect(known).toBe(record)
        expect(recordCodec.decode(encodeEntry(record))).toEqual(known)
      }),
    )
  })

  it('is not known if it has keys that the schema drops: they are read as the others', () => {
    const record = blankRecord(1, new Uint8Array(rootLength))
    expect(recordCodec.asDecoded({ ...record, dropped: new Map() }, 100)).toBeNull()
  })
})

describe('the memory of what is kept', () => {
  it('counts the keys of a record, whose views take more than their bytes', () => {
    const blocks = new Map(['a', 'b', 'c'].map((key) => [key, encodeValue(key, 1)] as const))
    const record = blankRecord(1, new Uint8Array(rootLength))
    expect(recordCodec.memoryOf(record)).toBe(1024)
    expect(recordCodec.memoryOf({ ...record, blocks })).toBe(1024 + 3 * 256)
  })

  it('is none for a forward, which holds a token', () => {
    expect(recordCodec.memoryOf({ kind: 'forward', token: 'A'.repeat(43), until: 1 })).toBeNull()
  })
})

describe('a forward', () => {
  it('rule 5: comes back as it was, and is told from a record', () => {
    const forward: Forward = { kind: 'forward', token: 'T'.repeat(43), until: 1_700_000_015_000 }
    const back = decodeEntry(encodeEntry(forward))
    expect(back).toEqual(forward)
    expect(back !== null && isForward(back)).toBe(true)
    expect(isForward(blank)).toBe(false)
    expect([isRecord(forward), isMovedMark(forward), isRecord(blank)]).toEqual([false, false, true])
  })
})

describe('a moved mark', () => {
  it('rule 4: comes back as it was, with an owner and without, and is told from the others', () => {
    for (const owner of [null, { subject: 'user-1', listId: 'L'.repeat(43), ref: 'h' }]) {
      const until = 1_700_000_060_000
      const key = { id: 'I'.repeat(43), markKey: 'K'.repeat(43) }
      const mark: MovedMark = { kind: 'moved', ...key, owner, until }
      expect(decodeEntry(encodeEntry(mark))).toEqual(mark)
      expect([isMovedMark(mark), isForward(mark), isRecord(mark)]).toEqual([true, false, false])
    }
    expect(isMovedMark(blank)).toBe(false)
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

  it('S88: never says the wrong thing, however many writes there were', () => {
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

  it('remembers the newest 16, and leaves the list that it was given as it was', () => {
    const full = after(16)
    const more = addWrite(full, 17)
    expect(more).toEqual({ count: 17, ids: Array.from({ length: 16 }, (_, at) => at + 2) })
    expect(full.ids).toHaveLength(16)
    expect(noWrites).toEqual({ count: 0, ids: [] })
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
        const written = { ...record, writes: addWrite(record.writes, 2 ** 32 - 1) }
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

  it('rule 7: is never thought smaller, with the longest keys and heads', () => {
    const block = new Uint8Array(300)
    const names = Array.from({ length: 300 }, (_, at) => {
      return String.fromCharCode(0x4e00 + at).repeat(100)
    })
    const owner = { subject: '\uffff'.repeat(256), listId: 'L'.repeat(43), ref: 'h'.repeat(16) }
    const record = { ...blank, owner, blocks: new Map(names.map((name) => [name, block])) }
    expect(isAllowed(record, sealing + encodeEntry(record).length - 1)).toBe(false)
  })

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
