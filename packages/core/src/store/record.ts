import type { Block, Blocks } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import { propertyName } from '../data/value.ts'
import { deviceSize } from './device-key.ts'
import type { RecordExtras } from './record-extras.ts'

/** What the store holds for one session. All times in milliseconds since 1970. */
export interface SessionRecord extends RecordExtras {
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

/**
 * Who wrote last: how many saves the record has had, and the ids of the last few. A save whose reply was
 * lost finds its own id here, or knows that it is not there.
 */
export interface Writes {
  readonly count: number
  /** Four bytes each, newest last. */
  readonly ids: Uint8Array
}

/** Bytes of a write's id. */
export const writeIdLength = 4

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

export const noWrites: Writes = { count: 0, ids: new Uint8Array(0) }

/** How many write ids a record remembers. */
export const rememberedWrites = 16

/** Adds a save to the list. */
export function addWrite({ count, ids: before }: Writes, id: Uint8Array): Writes {
  const kept = Math.min(before.length, (rememberedWrites - 1) * writeIdLength)
  const ids = new Uint8Array(kept + writeIdLength)
  for (let at = 0; at < kept; at++) ids[at] = before[before.length - kept + at]!
  ids.set(id, kept)
  return { count: count + 1, ids }
}

/**
 * Whether the save `id`, tried on a record with `countBefore` saves, is in this one. `unknown`: so many
 * others have saved since that it may have been there and been forgotten.
 */
export function hasWrite(
  { count, ids }: Writes,
  id: Uint8Array,
  countBefore: number,
): boolean | 'unknown' {
  for (let start = 0; start < ids.length; start += writeIdLength) {
    if (id.every((byte, at) => byte === ids[start + at])) return true
  }
  return count - countBefore > rememberedWrites ? 'unknown' : false
}

/** Bytes of a record's root. */
export const rootLength = 16

/** Every block that is stored, also of keys that the schema drops. */
export function allBlocks({ blocks, dropped }: SessionRecord): Iterable<readonly [string, Block]> {
  return dropped === undefined ? blocks : [...dropped, ...blocks]
}

/** The frame around the blocks and its seal, at most, without the subject. */
const frameSize = 256

/** Roughly what the record takes in the store: never less than it does, and a few bytes a key more. */
function sizeOf(record: SessionRecord): number {
  let size = frameSize + (record.owner?.subject.length ?? 0) * 3 + deviceSize(record.device)
  for (const [key, block] of record.blocks) size += key.length * 3 + block.length + 10
  for (const [key, block] of record.dropped ?? []) size += key.length * 3 + block.length + 10
  return size
}

/**
 * Throws `too-large`, naming the largest keys, when a record passes the limit and is larger than it was `before`. One that
 * was too large before (`maxBytes` was lowered, say) must not fail requests that add nothing to it.
 */
export function checkSize(record: SessionRecord, limit: number, before?: SessionRecord): void {
  const size = sizeOf(record)
  if (size <= limit || (before !== undefined && size <= sizeOf(before))) return
  const largest = [...allBlocks(record)]
    .toSorted((left, right) => right[1].length - left[1].length)
    .slice(0, 3)
    .map(([key, block]) => `session.data${propertyName(key)} (${block.length} bytes)`)
  throw new SessionError(
    'too-large',
    `The session would take ${size} bytes, and ${limit} are allowed. Largest: ${largest.join(', ')}. ` +
      'Nothing was saved: keep less in the session, or raise maxBytes',
  )
}
