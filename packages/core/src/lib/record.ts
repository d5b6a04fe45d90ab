import { Decoder, Encoder } from '@msgpack/msgpack'
import type { Block, Blocks } from './changes.ts'
import { propertyName } from './value.ts'
import { isWellFormed } from './well-formed.ts'
import { SessionError } from './errors.ts'

/** What the store holds for one session. */
export interface SessionRecord {
  /** When the session began, in milliseconds since 1970. Kept by every save and renew. */
  readonly createdAt: number
  readonly writes: Writes
  readonly blocks: Blocks
}

/**
 * Who wrote last: how many saves the record has had, and the ids of the last few. A save whose reply was
 * lost finds its own id here, or knows that it is not there.
 */
export interface Writes {
  readonly count: number
  /** 32-bit numbers, newest last. */
  readonly ids: readonly number[]
}

export const noWrites: Writes = { count: 0, ids: [] }

/** How many write ids a record remembers. */
export const rememberedWrites = 16

/** Adds a save to the list. */
export function addWrite(writes: Writes, id: number): Writes {
  return { count: writes.count + 1, ids: [...writes.ids, id].slice(-rememberedWrites) }
}

/**
 * Whether the save `id`, tried on a record with `countBefore` saves, is in this one. `unknown`: so many
 * others have saved since that it may have been there and been forgotten.
 */
export function hasWrite(writes: Writes, id: number, countBefore: number): boolean | 'unknown' {
  if (writes.ids.includes(id)) return true
  return writes.count - countBefore > rememberedWrites ? 'unknown' : false
}

const format = 1
const encoder = new Encoder()
const decoder = new Decoder()

/** MessagePack of `[format, createdAt, saves, write ids, { key: block }]`. */
export function encodeRecord(record: SessionRecord): Uint8Array {
  const { createdAt, writes, blocks } = record
  const ids = new Uint8Array(writes.ids.length * 4)
  const view = new DataView(ids.buffer)
  writes.ids.forEach((id, at) => view.setUint32(at * 4, id))
  return encoder.encode([format, createdAt, writes.count, ids, Object.fromEntries(blocks)])
}

/**
 * Decodes the frame of a record; its blocks are views of `bytes`, decoded later and one by one.
 * `null`: it is no record of this format.
 */
export function decodeRecord(bytes: Uint8Array): SessionRecord | null {
  const frame = decodeFrame(bytes)
  if (!Array.isArray(frame) || frame.length !== 5 || frame[0] !== format) return null
  const [, createdAt, count, ids, data] = frame as unknown[]
  if (!isCount(createdAt) || !isCount(count)) return null
  if (!(ids instanceof Uint8Array) || ids.length % 4 !== 0) return null
  const blocks = readBlocks(data)
  return blocks && { createdAt, writes: { count, ids: readIds(ids) }, blocks }
}

function decodeFrame(bytes: Uint8Array): unknown {
  try {
    return isWellFormed(bytes) ? decoder.decode(bytes) : null
  } catch {
    return null
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function readIds(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(at * 4))
}

function readBlocks(data: unknown): Map<string, Block> | null {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return null
  const blocks = new Map<string, Block>()
  for (const [key, block] of Object.entries(data)) {
    if (!(block instanceof Uint8Array)) return null
    blocks.set(key, block)
  }
  return blocks
}

/** The frame around the blocks, at most. */
const frameSize = 128

/** Roughly what the record takes in the store: never less than it does, and a few bytes a key more. */
function sizeOf(record: SessionRecord): number {
  let size = frameSize
  for (const [key, block] of record.blocks) size += key.length * 3 + block.length + 10
  return size
}

/** Throws `too-large`, naming the largest keys, when a record passes the limit. */
export function checkSize(record: SessionRecord, limit: number): void {
  const size = sizeOf(record)
  if (size <= limit) return
  const largest = [...record.blocks]
    .toSorted((left, right) => right[1].length - left[1].length)
    .slice(0, 3)
    .map(([key, block]) => `session.data${propertyName(key)} (${block.length} bytes)`)
  throw new SessionError(
    'too-large',
    `The session would take ${size} bytes, and ${limit} are allowed. Largest: ${largest.join(', ')}. ` +
      'Nothing was saved: keep less in the session, or raise maxBytes',
  )
}
