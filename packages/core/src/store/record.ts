import type { Block, Blocks } from '../rules/diff-and-merge.ts'
import type { Codec } from './sealed-store.ts'
import { SessionError } from '../errors.ts'
import { decodeFrame, encodeFrame, memoryOf } from '../data/record-frame.ts'
import { propertyName } from '../data/value.ts'

/** What the store holds for one session. All times in milliseconds since 1970. */
export interface SessionRecord {
  /** When the session began: its absolute end counts from here. */
  readonly createdAt: number
  /** When it last got a new token by a sign-in or `renew`; `null`: never. */
  readonly renewedAt: number | null
  /** When it last got a new token, by `renew` or by rotation. */
  readonly rotatedAt: number
  /** Whose session it is, where the app has said so. */
  readonly owner: Owner | null
  /** 16 random bytes, new at every `renew` and kept by a rotation: what request forgery tokens derive from. */
  readonly root: Uint8Array
  readonly writes: Writes
  readonly blocks: Blocks
  /** Keys of another version of the app, which this one's schema drops. They are stored beside `blocks`. */
  readonly dropped?: Blocks
  /** A request is moving the session to another token: until then other writers wait. 0: none is. */
  readonly movingUntil: number
  /** A rotation gave the token out, and the browser has not sent it yet. */
  readonly isTokenUnused: boolean
}

/** Ties a session to a subject's list of sessions. */
export interface Owner {
  readonly subject: string
  /** The list's key in the store, as it was when the session was tied to it. */
  readonly listId: string
  /** The session's name in the list, for its whole life. */
  readonly ref: string
}

/** What a rotation leaves under the old id: reads and saves follow it. */
export interface Forward {
  readonly kind: 'forward'
  /** The token that the session has now. */
  readonly token: string
  /** When it stops to count. */
  readonly until: number
}

/** What a renewal leaves under the old id: only a sign-out follows it. */
export interface MovedMark {
  readonly kind: 'moved'
  /** Where the session is now. Its token is not in here. */
  readonly id: string
  /** Opens the mark that a further renewal leaves there, and nothing else. */
  readonly markKey: string
  readonly owner: Owner | null
  /** When it stops to count. */
  readonly until: number
}

/** What is found under a session's id. */
export type Entry = SessionRecord | Forward | MovedMark

export function isRecord(entry: Entry): entry is SessionRecord {
  return !('kind' in entry)
}

export function isForward(entry: Entry): entry is Forward {
  return 'kind' in entry && entry.kind === 'forward'
}

export function isMovedMark(entry: Entry): entry is MovedMark {
  return 'kind' in entry && entry.kind === 'moved'
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

/** A record with nothing in it. */
export function blankRecord(now: number, root: Uint8Array): SessionRecord {
  return {
    createdAt: now,
    renewedAt: null,
    rotatedAt: now,
    owner: null,
    root,
    writes: noWrites,
    blocks: new Map(),
    movingUntil: 0,
    isTokenUnused: false,
  }
}

export const noWrites: Writes = { count: 0, ids: [] }

/** How many write ids a record remembers. */
export const rememberedWrites = 16

/** Adds a save to the list. */
export function addWrite(writes: Writes, id: number): Writes {
  return { count: writes.count + 1, ids: [...writes.ids.slice(1 - rememberedWrites), id] }
}

/**
 * Whether the save `id`, tried on a record with `countBefore` saves, is in this one. `unknown`: so many
 * others have saved since that it may have been there and been forgotten.
 */
export function hasWrite(writes: Writes, id: number, countBefore: number): boolean | 'unknown' {
  if (writes.ids.includes(id)) return true
  return writes.count - countBefore > rememberedWrites ? 'unknown' : false
}

/** Bytes of a record's root. */
export const rootLength = 16

const sessionFormat = 4
const forwardFormat = 2
const markFormat = 5

/** How what is under a session's id is written. */
export const recordCodec: Codec<Entry> = {
  encode: encodeEntry,
  decode: decodeEntry,
  memoryOf: (entry) =>
    isForward(entry) ? null : memoryOf(isRecord(entry) ? entry.blocks.size : 0),
  asDecoded: (entry, size) => (isRecord(entry) && !isAsDecoded(entry, size) ? null : entry),
}

/**
 * Stored beside the blocks, what the schema drops is read as one of them. A block that is a part of a larger record, as
 * it was before, would keep all of that in memory.
 */
function isAsDecoded({ blocks, dropped }: SessionRecord, size: number): boolean {
  return (
    dropped === undefined && [...blocks.values()].every(({ buffer }) => buffer.byteLength <= size)
  )
}

/**
 * MessagePack of `[4, createdAt, renewedAt, rotatedAt, owner, root, saves, write ids, { key: block },
 * movingUntil, isTokenUnused]`, of `[2, token, until]` or of `[5, id, markKey, owner, until]`.
 */
export function encodeEntry(entry: Entry): Uint8Array {
  if (isForward(entry)) return encodeFrame([forwardFormat, entry.token, entry.until])
  if (isMovedMark(entry)) {
    return encodeFrame([markFormat, entry.id, entry.markKey, encodeOwner(entry.owner), entry.until])
  }
  const { createdAt, renewedAt, rotatedAt, owner, root, writes } = entry
  return encodeFrame([
    sessionFormat,
    createdAt,
    renewedAt,
    rotatedAt,
    encodeOwner(owner),
    root,
    writes.count,
    encodeIds(writes.ids),
    Object.fromEntries(allBlocks(entry)),
    entry.movingUntil,
    entry.isTokenUnused,
  ])
}

function allBlocks({ blocks, dropped }: SessionRecord): readonly (readonly [string, Block])[] {
  return dropped === undefined ? [...blocks] : [...dropped, ...blocks]
}

function encodeOwner(owner: Owner | null): readonly string[] | null {
  return owner && [owner.subject, owner.listId, owner.ref]
}

/**
 * Decodes the frame of a record; its blocks are views of `bytes`, decoded later and one by one.
 * `null`: it is not in one of these formats.
 */
export function decodeEntry(bytes: Uint8Array): Entry | null {
  const frame = decodeFrame(bytes)
  if (frame === null) return null
  const [format, ...fields] = frame
  if (format === sessionFormat && fields.length === 10) return readSession(fields)
  if (format === markFormat && fields.length === 4) return readMark(fields)
  return format === forwardFormat && fields.length === 2 ? readForward(fields) : null
}

function readSession(fields: readonly unknown[]): SessionRecord | null {
  const [createdAt, renewedAt, rotatedAt, owner, root, count, ids, data, ...move] = fields
  const [movingUntil, isTokenUnused] = move
  if (!isCount(createdAt) || !isCount(rotatedAt) || !isCount(count)) return null
  if (renewedAt !== null && !isCount(renewedAt)) return null
  if (owner !== null && !isTexts(owner, 3)) return null
  if (!(root instanceof Uint8Array) || root.length !== rootLength) return null
  if (!(ids instanceof Uint8Array) || ids.length % 4 !== 0) return null
  if (!isCount(movingUntil) || typeof isTokenUnused !== 'boolean') return null
  const blocks = readBlocks(data)
  const times = { createdAt, renewedAt, rotatedAt }
  const writes = { count, ids: decodeIds(ids) }
  const moves = { movingUntil, isTokenUnused }
  return blocks && { ...times, owner: readOwner(owner), root, writes, blocks, ...moves }
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

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function encodeIds(ids: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * 4)
  let at = 0
  for (const id of ids) for (let shift = 24; shift >= 0; shift -= 8) bytes[at++] = id >>> shift
  return bytes
}

function decodeIds(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const ids: number[] = []
  for (let at = 0; at < bytes.length; at += 4) ids.push(view.getUint32(at))
  return ids
}

function readBlocks(data: unknown): Map<string, Block> | null {
  if (typeof data !== 'object' || data === null) return null
  if (Object.getPrototypeOf(data) !== Object.prototype) return null
  const blocks = new Map<string, Block>()
  for (const [key, block] of Object.entries(data)) {
    // No session could have kept half a surrogate pair, nor be saved with one.
    if (!(block instanceof Uint8Array) || !key.isWellFormed()) return null
    blocks.set(key, block)
  }
  return blocks
}

/** The frame around the blocks and its seal, at most, without the subject. */
const frameSize = 256

/** Roughly what the record takes in the store: never less than it does, and a few bytes a key more. */
function sizeOf(record: SessionRecord): number {
  let size = frameSize + (record.owner?.subject.length ?? 0) * 3
  for (const [key, block] of record.blocks) size += key.length * 3 + block.length + 10
  for (const [key, block] of record.dropped ?? []) size += key.length * 3 + block.length + 10
  return size
}

/** Throws `too-large`, naming the largest keys, when a record passes the limit. */
export function checkSize(record: SessionRecord, limit: number): void {
  const size = sizeOf(record)
  if (size <= limit) return
  const largest = allBlocks(record)
    .toSorted((left, right) => right[1].length - left[1].length)
    .slice(0, 3)
    .map(([key, block]) => `session.data${propertyName(key)} (${block.length} bytes)`)
  throw new SessionError(
    'too-large',
    `The session would take ${size} bytes, and ${limit} are allowed. Largest: ${largest.join(', ')}. ` +
      'Nothing was saved: keep less in the session, or raise maxBytes',
  )
}
