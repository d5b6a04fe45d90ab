import fc from 'fast-check'
import { encodeValue } from '../../src/data/value.ts'
import { noWrites, rememberedWrites, rootLength } from '../../src/store/record.ts'
import type { RecordExtras } from '../../src/store/record-extras.ts'
import type { Owner, SessionRecord } from '../../src/store/record.ts'

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

const plain: fc.Arbitrary<SessionRecord> = fc.record({
  createdAt: times,
  renewedAt: fc.option(times),
  rotatedAt: times,
  owner: fc.option(owners),
  root: fc.uint8Array({ minLength: rootLength, maxLength: rootLength }),
  writes: fc.record({
    count: fc.oneof(fc.nat(), fc.maxSafeNat()),
    ids: fc
      .array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { maxLength: rememberedWrites })
      .map((ids) => Uint8Array.from(ids.flatMap((id) => [...id]))),
  }),
  blocks: fc
    .array(fc.tuple(keys, fc.uint8Array({ maxLength: 300 })), { maxLength: 40 })
    .map((entries) => new Map(entries)),
  movingUntil: times,
  isTokenUnused: fc.boolean(),
})

const extras: fc.Arbitrary<RecordExtras> = fc.record(
  { isPersistent: fc.constant(true), version: fc.integer({ min: 1 }) },
  { requiredKeys: [] },
)

export const records: fc.Arbitrary<SessionRecord> = fc
  .tuple(plain, extras)
  .map(([record, more]) => ({ ...record, ...more }))

/** A record with these values. */
export function recordOf(values: Record<string, unknown>): SessionRecord {
  const blocks = new Map(Object.entries(values).map(([key, of]) => [key, encodeValue(key, of)]))
  return { ...blank, blocks }
}

export const blank: SessionRecord = {
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
