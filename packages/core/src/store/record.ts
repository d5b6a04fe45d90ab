import type { Block, Blocks } from '../rules/diff-and-merge.ts'
import { SessionError } from '../errors.ts'
import { propertyName } from '../data/value.ts'
import { deviceSize } from './device-key.ts'
import type { RecordExtras } from './record-extras.ts'

/** What the store holds for one session. Times are in milliseconds since 1970. */
export interface SessionRecord extends RecordExtras {
  /** When the session began: its absolute lifetime counts from here. */
  readonly createdAt: number
  /** When a sign-in or `renew` last gave it a new token; `null`: never. */
  readonly renewedAt: number | null
  /** When it last got a new token, by a sign-in, `renew` or rotation. */
  readonly rotatedAt: number
  /** The subject that has signed in, if any. */
  readonly owner: Owner | null
  /** 16 random bytes that CSRF tokens derive from. Replaced by every `renew`, kept by a rotation. */
  readonly root: Uint8Array
  readonly writes: Writes
  readonly blocks: Blocks
  /** Keys that this app version's schema drops. They are stored along with `blocks`. */
  readonly dropped?: Blocks
  /** Until when a request that moves the session to another token makes other writers wait. 0: none does. */
  readonly movingUntil: number
  /** Whether the token was issued by a rotation and the browser has not sent it yet. */
  readonly isTokenUnused: boolean
}

/** Links a session to a subject's list of sessions. */
export interface Owner {
  readonly subject: string
  /** The list's key in the store at the time of the link. */
  readonly listId: string
  /** The session's name in the list, for its whole life. */
  readonly ref: string
}

/** The number of saves, and the ids of the last few. They tell a save whose reply was lost whether it succeeded. */
export interface Writes {
  readonly count: number
  /** Four bytes each, newest last. */
  readonly ids: Uint8Array
}

/** The length of a write id in bytes. */
export const writeIdLength = 4

/** An empty record. */
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

/** The number of write ids that a record keeps. */
export const rememberedWrites = 16

/** Adds the id of a save. */
export function addWrite({ count, ids: before }: Writes, id: Uint8Array): Writes {
  const kept = Math.min(before.length, (rememberedWrites - 1) * writeIdLength)
  const ids = new Uint8Array(kept + writeIdLength)
  for (let at = 0; at < kept; at++) ids[at] = before[before.length - kept + at]!
  ids.set(id, kept)
  return { count: count + 1, ids }
}

/**
 * Whether this record includes the save `id`, which was tried on a record with `countBefore` saves. `unknown`: there
 * were so many saves since that the id may have been dropped.
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

/** The length of a record's root in bytes. */
export const rootLength = 16

/** All stored blocks, including those of keys that the schema drops. */
export function allBlocks({ blocks, dropped }: SessionRecord): Iterable<readonly [string, Block]> {
  return dropped === undefined ? blocks : [...dropped, ...blocks]
}

/** The maximum size of the frame around the blocks and of its seal, without the subject. */
const frameSize = 256

/** An upper bound of the record's size in the store, a few bytes per key too large. */
function sizeOf(record: SessionRecord): number {
  let size = frameSize + (record.owner?.subject.length ?? 0) * 3 + deviceSize(record.device)
  for (const [key, block] of record.blocks) size += key.length * 3 + block.length + 10
  for (const [key, block] of record.dropped ?? []) size += key.length * 3 + block.length + 10
  return size
}

/**
 * Throws `too-large`, naming the largest keys, if a record exceeds the limit and is larger than `before`. A record that
 * was already too large (for example because `maxBytes` was lowered) must not fail requests that add nothing.
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
