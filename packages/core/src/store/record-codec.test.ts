import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { randomFrom } from '../../test/fakes/random.ts'
import { blank, recordOf, records } from '../../test/fakes/records.ts'
import { encodeValue } from '../data/value.ts'
import { decodeEntry, encodeEntry, recordCodec } from './record-codec.ts'
import { isForward, isMovedMark, isRecord } from './marks.ts'
import { blankRecord, rootLength, writeIdLength } from './record.ts'
import type { Forward, MovedMark } from './marks.ts'
import type { SessionRecord } from './record.ts'

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

  it('takes no byte more for what few sessions have', () => {
    expect(encodeEntry({ ...blank, isPersistent: undefined })).toEqual(encodeEntry(blank))
    expect(encodeEntry({ ...blank, isPersistent: false })).toEqual(encodeEntry(blank))
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
    const loaded = decodeRecord(new Uint8Array(encodeEntry(large))) as SessionRecord
    const small = { ...loaded, blocks: new Map([...loaded.blocks].slice(0, 1)) }
    const sizeOf = (record: SessionRecord): number => encodeEntry(record).length
    expect(recordCodec.asDecoded(large, sizeOf(large))).toBe(large)
    expect(recordCodec.asDecoded(loaded, sizeOf(loaded))).toBe(loaded)
    expect(recordCodec.asDecoded(small, sizeOf(small))).toBeNull()
    const dropped = new Map([['old', encodeValue('old', 1)]])
    expect(recordCodec.asDecoded({ ...large, dropped }, sizeOf(large))).toBeNull()
  })

  it('keeps no larger record in memory by what the records after it have as well', () => {
    const device = {
      id: 'd',
      secret: new Uint8Array(16),
      offeredAt: 1,
      proofs: 1,
      key: { algorithm: 'ES256' as const, spki: new Uint8Array(91) },
    }
    const ids = new Uint8Array(10 * writeIdLength)
    const writes = { count: 10, ids }
    const large = { ...recordOf({ draft: 'x'.repeat(60_000) }), writes, device }
    const { blocks, ...rest } = decodeRecord(new Uint8Array(encodeEntry(large))) as SessionRecord
    expect(blocks.size).toBe(1)
    const arrays: Uint8Array[] = []
    const collect = (value: unknown): void => {
      if (value instanceof Uint8Array) arrays.push(value)
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
    }
    collect(rest)
    expect(arrays.map(({ length }) => length).toSorted((one, other) => one - other)).toEqual(
      [16, 91, rootLength, ids.length].toSorted((one, other) => one - other),
    )
    for (const array of arrays) expect(array.buffer.byteLength).toBe(array.length)
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
    ['extras that are text', [...frame({}), 'persistent']],
    ['extras that are null', [...frame({}), null]],
    ['extras that are an array', [...frame({}), []]],
    ['a lifetime that is text', [...frame({}), { persistent: 'yes' }]],
    ['a version of the data that is text', [...frame({}), { version: '1' }]],
    ['a version of the data of 0', [...frame({}), { version: 0 }]],
    ['a part after the extras', [...frame({}), {}, 0]],
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
    const record = { ...blank, createdAt: 5, rotatedAt: 5 }
    expect(decodeRecord(encode(frame({})))).toEqual(record)
    const more = decodeRecord(encode([...frame({}), { persistent: true }]))
    expect(more).toEqual({ ...record, isPersistent: true })
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
      writes: { count: 300, ids: Uint8Array.of(0, 0, 0, 1, 128, 0, 0, 0, 255, 255, 255, 255) },
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
        writes.ids.length % 4 === 0 &&
        [...blocks.values()].every((block) => block instanceof Uint8Array)
      if (!sound) throw new Error(Buffer.from(bytes).toString('hex'))
    }
    expect(seen.record).toBeGreaterThan(10_000)
    expect(seen.none).toBeGreaterThan(10_000)
    expect(decodeRecord(whole)?.blocks.size).toBe(4)
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

  it('counts a mark, which holds no token, as a record without keys', () => {
    const mark = { kind: 'moved', id: 'i', markKey: 'k', owner: null, until: 1 } as const
    expect(recordCodec.memoryOf(mark)).toBe(recordCodec.memoryOf(blank))
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
