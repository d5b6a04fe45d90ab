import { decodeFrame, encodeFrame, memoryOf } from '../data/record-frame.ts'
import type { Block } from '../rules/diff-and-merge.ts'
import { isCount } from './is-count.ts'
import { isForward, isMovedMark, isRecord } from './marks.ts'
import { allBlocks, rootLength, writeIdLength } from './record.ts'
import type { Entry, Forward, MovedMark } from './marks.ts'
import type { Owner, SessionRecord } from './record.ts'
import { encodeExtras, readExtras } from './record-extras.ts'
import type { Codec } from './sealed-store.ts'

interface Format {
  readonly number: number
  /** The minimum number of fields after the number. */
  readonly length: number
  /** The number of optional fields after those. */
  readonly more: number
  readonly read: (fields: readonly unknown[]) => Entry | null
}

const formats: Record<'session' | Exclude<Entry, SessionRecord>['kind'], Format> = {
  session: { number: 4, length: 10, more: 1, read: readSession },
  moved: { number: 5, length: 4, more: 0, read: readMark },
  forward: { number: 2, length: 2, more: 0, read: readForward },
}
const allFormats = Object.values(formats)

/** Encodes the entries under session ids. */
export const recordCodec: Codec<Entry> = {
  encode: encodeEntry,
  decode: decodeEntry,
  memoryOf: memoryOfEntry,
  asDecoded: (entry, size) => (isRecord(entry) && !isAsDecoded(entry, size) ? null : entry),
}

/** A forward is not cached, because it contains a token. */
function memoryOfEntry(entry: Entry): number | null {
  if (isRecord(entry)) return memoryOf(entry.blocks.size)
  switch (entry.kind) {
    case 'moved':
      return memoryOf(0)
    case 'forward':
      return null
  }
}

/**
 * Dropped keys are stored among the blocks, and would be decoded as blocks. A block that is a view of a larger record,
 * for example of the previous one, would keep that record in memory.
 */
function isAsDecoded({ blocks, dropped }: SessionRecord, size: number): boolean {
  if (dropped !== undefined) return false
  for (const block of blocks.values()) {
    if (isPart(block) && block.buffer.byteLength > size) return false
  }
  return true
}

/**
 * Whether a block is a view of a frame, where other fields precede it. Checked before `buffer`, because reading the
 * `buffer` of a small array allocates one.
 */
function isPart({ byteOffset }: Block): boolean {
  return byteOffset > 0
}

/**
 * MessagePack of `[4, createdAt, renewedAt, rotatedAt, owner, root, saves, write ids, { key: block }, movingUntil,
 * isTokenUnused, extras]`, of `[2, token, until]` or of `[5, id, markKey, owner, until]`. `extras` is a map of optional
 * fields, omitted if empty.
 */
export function encodeEntry(entry: Entry): Uint8Array {
  if (isForward(entry)) return encodeFrame([formats.forward.number, entry.token, entry.until])
  if (isMovedMark(entry)) {
    return encodeFrame([
      formats.moved.number,
      entry.id,
      entry.markKey,
      encodeOwner(entry.owner),
      entry.until,
    ])
  }
  const { createdAt, renewedAt, rotatedAt, owner, root, writes } = entry
  return encodeFrame([
    formats.session.number,
    createdAt,
    renewedAt,
    rotatedAt,
    encodeOwner(owner),
    root,
    writes.count,
    writes.ids,
    Object.fromEntries(allBlocks(entry)),
    entry.movingUntil,
    entry.isTokenUnused,
    ...encodeExtras(entry),
  ])
}

function encodeOwner(owner: Owner | null): readonly string[] | null {
  return owner && [owner.subject, owner.listId, owner.ref]
}

/**
 * Decodes the frame of an entry. A record's blocks are views of `bytes`, decoded later one by one. `null` if it is in
 * none of these formats.
 */
export function decodeEntry(bytes: Uint8Array): Entry | null {
  const frame = decodeFrame(bytes)
  if (frame === null) return null
  const [number, ...fields] = frame
  const format = allFormats.find((each) => each.number === number)
  if (format === undefined) return null
  const more = fields.length - format.length
  return more >= 0 && more <= format.more ? format.read(fields) : null
}

function readSession(fields: readonly unknown[]): SessionRecord | null {
  const [createdAt, renewedAt, rotatedAt, owner, root, count, ids, data, ...rest] = fields
  const [movingUntil, isTokenUnused, extras] = rest
  if (!isCount(createdAt) || !isCount(rotatedAt) || !isCount(count)) return null
  if (renewedAt !== null && !isCount(renewedAt)) return null
  if (owner !== null && !isTexts(owner, 3)) return null
  if (!(root instanceof Uint8Array) || root.length !== rootLength) return null
  if (!(ids instanceof Uint8Array) || ids.length % writeIdLength !== 0) return null
  if (!isCount(movingUntil) || typeof isTokenUnused !== 'boolean') return null
  const blocks = readBlocks(data)
  const times = { createdAt, renewedAt, rotatedAt }
  const writes = { count, ids: new Uint8Array(ids) }
  const moves = { movingUntil, isTokenUnused }
  const more = readExtras(extras)
  if (blocks === null || more === null) return null
  // Copied: later records share these arrays, and a view would keep all of `bytes` in memory.
  const own = { owner: readOwner(owner), root: new Uint8Array(root) }
  return { ...times, ...own, writes, blocks, ...moves, ...more }
}

function readOwner(texts: readonly string[] | null): Owner | null {
  if (texts === null) return null
  const [subject, listId, ref] = texts as [string, string, string]
  return { subject, listId, ref }
}

function readForward([token, until]: readonly unknown[]): Forward | null {
  return typeof token === 'string' && isCount(until) ? { kind: 'forward', token, until } : null
}

function readMark([id, markKey, owner, until]: readonly unknown[]): MovedMark | null {
  if (typeof id !== 'string' || typeof markKey !== 'string' || !isCount(until)) return null
  if (owner !== null && !isTexts(owner, 3)) return null
  return { kind: 'moved', id, markKey, owner: readOwner(owner), until }
}

function isTexts(value: unknown, length: number): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length === length &&
    value.every((item) => typeof item === 'string')
  )
}

function readBlocks(data: unknown): Map<string, Block> | null {
  if (typeof data !== 'object' || data === null) return null
  if (Object.getPrototypeOf(data) !== Object.prototype) return null
  const blocks = new Map<string, Block>()
  for (const [key, block] of Object.entries(data)) {
    // No session can be saved with a lone surrogate in a key.
    if (!(block instanceof Uint8Array) || !key.isWellFormed()) return null
    blocks.set(key, block)
  }
  return blocks
}
