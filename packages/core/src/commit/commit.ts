import type { Blocks, Changes, Settle } from '../rules/changes.ts'
import { merge } from '../rules/changes.ts'
import type { Lifetime } from '../rules/lifetime.ts'
import type { LoadedSession, Lookup } from '../load/load.ts'
import type { Outcome } from '../rules/next-step.ts'
import type { Entry, Owner, SessionRecord } from '../store/record.ts'
import { checkSize, noWrites } from '../store/record.ts'
import type { Subjects } from '../subjects/subjects.ts'
import { randomBytes } from '../crypto/token.ts'
import type { Identity, RandomBytes } from '../crypto/token.ts'
import type { Vault } from '../store/sealed-store.ts'

/** What one request changed, and on what snapshot. */
export interface Edit {
  readonly base: Blocks
  readonly changes: Changes
  /** What a new token brings along. */
  readonly fresh: Fresh
}

/** What `create` and `renew` write beside the data. */
export interface Fresh {
  /** Whether somebody signs in: not so for a new session that nobody renewed. */
  readonly trusted: boolean
  /** Whether the absolute lifetime begins anew. */
  readonly restart: boolean
  /** The subject's tie; `undefined`: as it was. */
  readonly owner: Owner | null | undefined
  readonly label: string | null
  readonly root: Uint8Array
}

/** An edit of a session that was loaded. `order` tells which of several was loaded last. */
export interface LiveEdit extends Edit {
  readonly loaded: LoadedSession
  readonly order: number
}

/** What a commit did. `identity`: of the session that the visitor has now, where that changed. */
export interface Done {
  readonly outcome: Outcome
  readonly tries: number
  readonly identity?: Identity
  readonly createdAt?: number
}

export interface CommitContext {
  readonly entries: Vault<Entry>
  readonly lookup: Lookup
  readonly subjects: Subjects
  readonly namespace: string
  readonly settle: Settle
  readonly lifetime: Lifetime
  readonly maxBytes: number
  readonly now: () => number
  readonly random: RandomBytes
  readonly backOff: (tries: number) => Promise<void>
}

export interface Turn extends LiveEdit {
  readonly kind: 'save' | 'renew' | 'rotate'
}

/** One waiting commit's end: done, or an error of its own (its value is too large, its resolver threw). */
export type End = Done | { readonly error: unknown }

/** A commit gives up after this many writes, or when this many milliseconds have passed. */
export const maxTries = 16
export const maxDuration = 1000

/** The record after an edit. Throws `too-large`, `merge-failed` or `unsupported-value`. */
export function replay(
  record: SessionRecord,
  edit: Edit,
  settle: Settle,
  maxBytes: number,
): SessionRecord {
  const replayed = { ...record, blocks: merge(edit.base, edit.changes, record.blocks, settle) }
  checkSize(replayed, maxBytes)
  return replayed
}

/** A record with nothing in it. */
export function blankRecord(now: number, { trusted, owner = null, root }: Fresh): SessionRecord {
  return {
    createdAt: now,
    renewedAt: trusted ? now : null,
    rotatedAt: now,
    owner,
    root,
    writes: noWrites,
    blocks: new Map(),
  }
}

export async function reload(lookup: Lookup, identity: Identity): Promise<LoadedSession | Outcome> {
  const found = await lookup.reload(identity)
  if (found === 'missing') return 'gone'
  return found === 'unreadable' ? 'unavailable' : found
}

export function randomWriteId(random: RandomBytes): number {
  return new DataView(randomBytes(random, 4).buffer).getUint32(0)
}

/** Up to 2, 4, 8 … 64 ms, at random, so that those who collided do not collide again. */
export function backoffTime(random: RandomBytes, tries: number): number {
  return (randomWriteId(random) / 2 ** 32) * Math.min(64, 2 ** tries)
}
