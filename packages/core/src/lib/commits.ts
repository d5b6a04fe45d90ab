import type { Blocks, Changes, Settle } from './changes.ts'
import { isEmpty, merge } from './changes.ts'
import type { Lifetime } from './expiry.ts'
import { expiresAt, firstExpiry, hasEnded } from './expiry.ts'
import type { Listed } from './lists.ts'
import type { Lookup, LoadedSession } from './lookup.ts'
import type { Outcome } from './next-step.ts'
import type { Entry, Owner, SessionRecord } from './record.ts'
import { addWrite, checkSize, hasWrite, isPointer, noWrites } from './record.ts'
import type { Subjects } from './subjects.ts'
import { createToken, identify, randomBytes } from './token.ts'
import type { Identity, RandomBytes } from './token.ts'
import { createTurns } from './turns.ts'
import type { Vault } from './vault.ts'

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

export interface Commits {
  readonly create: (edit: Edit) => Promise<Done>
  readonly save: (edit: LiveEdit) => Promise<Done>
  readonly renew: (edit: LiveEdit) => Promise<Done>
  readonly rotate: (edit: LiveEdit) => Promise<Done>
  /** `loaded`: the session, if it was loaded. */
  readonly destroy: (identity: Identity, loaded: LoadedSession | null) => Promise<Done>
}

interface Turn extends LiveEdit {
  readonly kind: 'save' | 'renew' | 'rotate'
}

/** One waiting commit's end: done, or an error of its own (its value is too large, its resolver threw). */
type End = Done | { readonly error: unknown }

/** A commit gives up after this many writes, or when this many milliseconds have passed. */
export const maxTries = 16
export const maxDuration = 1000

/** For how long an old token leads to the new one after a rotation, in milliseconds. */
export const pointerLife = 15_000

/**
 * The ways to write. Commits to one session inside one process take turns, and those that wait are
 * merged into one write; processes meet in the store, by compare-and-swap.
 */
export function createCommits(context: CommitContext): Commits {
  const alone = { renew, rotate }
  const take = createTurns<Turn, End>(
    ({ kind }) => kind !== 'save',
    async (_id, turns) => {
      const [first] = turns as [Turn]
      const { kind } = first
      return kind === 'save' ? save(context, turns) : [await endOf(() => alone[kind](context, first))]
    },
  )
  const takeTurn = async (turn: Turn): Promise<Done> => {
    const end = await take(turn.loaded.identity.id, turn)
    if ('error' in end) throw end.error
    return end
  }
  return {
    create: (edit) => create(context, edit),
    save: (edit) => takeTurn({ ...edit, kind: 'save' }),
    renew: (edit) => takeTurn({ ...edit, kind: 'renew' }),
    rotate: (edit) => takeTurn({ ...edit, kind: 'rotate' }),
    destroy: (identity, loaded) => destroy(context, identity, loaded),
  }
}

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

async function endOf(work: () => Promise<Done>): Promise<End> {
  try {
    return await work()
  } catch (error) {
    return { error }
  }
}

async function create(context: CommitContext, edit: Edit): Promise<Done> {
  const { settle, maxBytes, now } = context
  const record = replay(blankRecord(now(), edit.fresh), edit, settle, maxBytes)
  return claim(context, record, 'created', edit.fresh)
}

/**
 * Adds the record under a fresh token; 256 random bits are taken only if somebody plants records. When the
 * answer to an add is lost, one more token is tried: what the lost one may have stored nobody can reach,
 * and it expires. A new tie to a subject goes into the subject's list first: a session that is not in the
 * list is over.
 */
async function claim(
  context: CommitContext,
  record: SessionRecord,
  outcome: Outcome,
  fresh: Fresh,
): Promise<Done> {
  const { entries, namespace, lifetime, now, random } = context
  const { createdAt, renewedAt, owner } = record
  let lostAnswers = 0
  for (let tries = 1; ; tries++) {
    const identity = await identify(namespace, createToken(random))
    if (fresh.owner && !(await enlist(context, identity, record, fresh.label))) {
      return { outcome: 'unavailable', tries }
    }
    const trusted = renewedAt !== null || owner !== null
    const expiry = firstExpiry(lifetime, createdAt, now(), trusted)
    const result = await entries.create(identity, record, expiry)
    if (result === 'created') return { outcome, tries, identity, createdAt }
    if (result === 'unavailable' && lostAnswers++ > 0) return { outcome: 'unavailable', tries }
    if (tries >= maxTries) return { outcome: 'conflict', tries }
  }
}

async function enlist(
  { subjects }: CommitContext,
  identity: Identity,
  record: SessionRecord,
  label: string | null,
): Promise<boolean> {
  if (record.owner === null) return true
  return (await subjects.put(record.owner, listedOf(identity, record, label))) === 'saved'
}

function listedOf(
  { id }: Identity,
  { createdAt, renewedAt }: SessionRecord,
  label: string | null,
): Listed {
  return { id, createdAt, renewedAt, label }
}

/** Merges all waiting edits onto the freshest record that any of them loaded, in one write. */
async function save(context: CommitContext, turns: readonly Turn[]): Promise<End[]> {
  const { entries, lookup, lifetime, now, random } = context
  const writeId = randomWriteId(random)
  const deadline = now() + maxDuration
  let { loaded } = turns.reduce((left, right) => (right.order > left.order ? right : left))
  let savesBeforeLostReply: number | null = null
  for (let tries = 1; ; tries++) {
    const { identity, version } = loaded
    const { createdAt } = loaded.record
    const { record, ends } = replayAll(context, loaded.record, turns)
    const all = (outcome: Outcome): End[] =>
      ends.map((end) => end ?? { outcome, tries, identity: loaded.identity })
    if (ends.every((end) => end !== null)) return all('unchanged')
    if (hasEnded(lifetime, createdAt, now())) return all('gone')
    const written = { ...record, writes: addWrite(record.writes, writeId) }
    const expiry = expiresAt(lifetime, createdAt, now())
    const result = await entries.save(identity, written, expiry, version)
    if (result === 'saved') return all('saved')
    // After a lost reply nobody knows whether what has ended, or moved to a new token, had the change.
    const gone = savesBeforeLostReply === null ? 'gone' : 'unavailable'
    if (result === 'missing') return all(gone)
    if (result === 'unavailable') savesBeforeLostReply ??= loaded.record.writes.count
    const failed = savesBeforeLostReply === null ? 'conflict' : 'unavailable'
    if (tries >= maxTries || now() >= deadline) return all(failed)
    if (result === 'conflict') await context.backOff(tries)
    const next = await reload(lookup, identity)
    if (typeof next === 'string') return all(savesBeforeLostReply === null ? next : 'unavailable')
    loaded = next
    if (savesBeforeLostReply === null) continue
    const isIn = hasWrite(loaded.record.writes, writeId, savesBeforeLostReply)
    if (isIn === true) return all('saved')
    if (isIn === 'unknown') return all('unavailable')
  }
}

/** Replays one edit after the other; one that cannot be (too large, say) ends alone. */
function replayAll(
  { settle, maxBytes }: CommitContext,
  start: SessionRecord,
  turns: readonly Turn[],
): { readonly record: SessionRecord; readonly ends: readonly (End | null)[] } {
  let record = start
  const ends = turns.map((turn) => {
    try {
      record = replay(record, turn, settle, maxBytes)
      return null
    } catch (error) {
      return { error }
    }
  })
  return { record, ends }
}

/**
 * Moves the session to a new token: adds the new record, then deletes the old one under its version, so
 * that at no time two tokens work and nobody's save in between is lost. If the old one is gone, a logout
 * came first, and the new one goes too.
 */
async function renew(context: CommitContext, turn: Turn): Promise<Done> {
  const { entries, lookup, lifetime, settle, maxBytes, now } = context
  const deadline = now() + maxDuration
  let { loaded } = turn
  for (let tries = 1; ; tries++) {
    if (hasEnded(lifetime, loaded.record.createdAt, now())) return { outcome: 'gone', tries }
    const replayed = replay(loaded.record, turn, settle, maxBytes)
    const record = renewed(replayed, turn.fresh, now())
    const claimed = await claim(context, record, 'renewed', turn.fresh)
    if (claimed.identity === undefined) return { ...claimed, tries }
    const result = await entries.delete(loaded.identity, loaded.version)
    if (result === 'deleted') {
      await relist(context, loaded.record, record, claimed.identity, turn.fresh)
      return { ...claimed, tries }
    }
    const withdrawn = entries.delete(claimed.identity)
    const next = result === 'conflict' ? await reload(lookup, loaded.identity) : endOfRenew(result)
    await withdrawn
    if (typeof next === 'string') return { outcome: next, tries }
    if (tries >= maxTries || now() >= deadline) return { outcome: 'conflict', tries }
    await context.backOff(tries)
    loaded = next
  }
}

function renewed(record: SessionRecord, fresh: Fresh, now: number): SessionRecord {
  const { owner, restart, root } = fresh
  return {
    ...record,
    createdAt: restart ? now : record.createdAt,
    renewedAt: now,
    rotatedAt: now,
    owner: owner === undefined ? record.owner : owner,
    root,
  }
}

/** A delete whose reply was lost may have been a logout's: the safe side is to hand out nothing. */
function endOfRenew(result: 'missing' | 'unavailable'): Outcome {
  return result === 'missing' ? 'gone' : 'unavailable'
}

/**
 * Tells the subject's list the session's new id, which it uses to see who is alive, and takes the session
 * out of the list that it left. If that fails, no session lives or dies by it.
 */
async function relist(
  context: CommitContext,
  before: SessionRecord,
  after: SessionRecord,
  identity: Identity,
  fresh: Fresh,
): Promise<void> {
  const isSame = before.owner?.handle === after.owner?.handle
  if (before.owner !== null && !isSame) await context.subjects.remove(before.owner)
  if (after.owner === null || !isSame) return
  await context.subjects.update(after.owner, listedOf(identity, after, fresh.label))
}

/**
 * Gives the session a new token because its time has come. The old record becomes a pointer to the new one
 * for a few seconds, so that requests that are under way with the old token find their session. Of several
 * that try at once the store lets one win; the others save what they have to save.
 */
async function rotate(context: CommitContext, turn: Turn): Promise<Done> {
  const { entries, lifetime, settle, maxBytes, now } = context
  const { loaded } = turn
  if (hasEnded(lifetime, loaded.record.createdAt, now())) return { outcome: 'gone', tries: 1 }
  const record = { ...replay(loaded.record, turn, settle, maxBytes), rotatedAt: now() }
  const claimed = await claim(context, record, 'rotated', { ...turn.fresh, owner: undefined })
  const { identity } = claimed
  if (identity === undefined) return claimed
  const pointer = { token: identity.token, until: now() + pointerLife }
  const result = await entries.save(loaded.identity, pointer, pointer.until, loaded.version)
  if (result === 'unavailable') return settleRotation(context, turn, record, claimed)
  if (result === 'saved') return placed(context, turn, record, claimed)
  await entries.delete(identity)
  if (result === 'missing') return { outcome: 'gone', tries: 1 }
  return isEmpty(turn.changes) ? { outcome: 'unchanged', tries: 1 } : saveOne(context, turn)
}

/** The pointer is in place: the new token is the session's. */
async function placed(
  context: CommitContext,
  turn: Turn,
  record: SessionRecord,
  claimed: Done,
): Promise<Done> {
  await relist(context, turn.loaded.record, record, claimed.identity as Identity, turn.fresh)
  return claimed
}

async function saveOne(context: CommitContext, turn: Turn): Promise<Done> {
  const [end] = (await save(context, [turn])) as [End]
  if ('error' in end) throw end.error
  return end
}

/**
 * The answer to the pointer was lost. If it is not there yet it may still arrive, so the old record is
 * written once more: then it has another version, and the pointer fits it no longer. Only then is the new
 * record safe to withdraw. If that write followed the pointer, it is in place after all.
 */
async function settleRotation(
  context: CommitContext,
  turn: Turn,
  record: SessionRecord,
  claimed: Done,
): Promise<Done> {
  const { entries } = context
  const identity = claimed.identity as Identity
  const isPlaced = await isPlacedAt(context, turn.loaded, identity)
  if (isPlaced === 'saved') return placed(context, turn, record, claimed)
  if (isPlaced === 'unavailable') return { outcome: 'unavailable', tries: 1 }
  const done = await saveOne(context, turn)
  if (done.outcome === 'saved' && done.identity?.id === identity.id) {
    return placed(context, turn, record, claimed)
  }
  if (done.outcome === 'saved' || done.outcome === 'gone') await entries.delete(identity)
  const isUnchanged = done.outcome === 'saved' && isEmpty(turn.changes)
  return isUnchanged ? { ...done, outcome: 'unchanged' } : done
}

/** Whether the pointer is in place, its writer's reply having been lost. */
async function isPlacedAt(
  { entries }: CommitContext,
  { identity }: LoadedSession,
  target: Identity,
): Promise<'saved' | 'conflict' | 'missing' | 'unavailable'> {
  const found = await entries.load(identity)
  if (found === 'missing') return found
  if (typeof found === 'string') return 'unavailable'
  const { record } = found
  return isPointer(record) && record.token === target.token ? 'saved' : 'conflict'
}

async function reload(lookup: Lookup, identity: Identity): Promise<LoadedSession | Outcome> {
  const found = await lookup.reload(identity)
  if (found === 'missing') return 'gone'
  return found === 'unreadable' ? 'unavailable' : found
}

/** Ends the session, and takes it out of its subject's list. */
async function destroy(
  context: CommitContext,
  identity: Identity,
  loaded: LoadedSession | null,
): Promise<Done> {
  const rotates = context.lifetime.rotate !== Infinity
  const done = rotates
    ? await destroyRotating(context, identity, loaded)
    : await destroyPlain(context, identity)
  const owner = loaded?.record.owner
  if (done.outcome === 'destroyed' && owner) await context.subjects.remove(owner)
  return done
}

/**
 * Deleting twice is deleting once, so a lost reply is worth a second try. If that finds nothing, it was the
 * first one, or somebody renewed the session in between: this token leads nowhere, and more is not known.
 */
async function destroyPlain({ entries }: CommitContext, identity: Identity): Promise<Done> {
  for (const tries of [1, 2]) {
    const result = await entries.delete(identity)
    if (result === 'deleted') return { outcome: 'destroyed', tries }
    if (result === 'missing') return { outcome: 'gone', tries }
  }
  return { outcome: 'unconfirmed', tries: 2 }
}

/**
 * Where tokens rotate, what is under the id may have become a pointer meanwhile, and deleting that would
 * leave the session alive under its new token. So the delete insists on what was loaded, and follows.
 */
async function destroyRotating(
  { entries, lookup, backOff }: CommitContext,
  identity: Identity,
  loaded: LoadedSession | null,
): Promise<Done> {
  let at = loaded
  let isSent = false
  for (let tries = 1; tries <= maxTries; tries++) {
    const found = at ?? (await lookup.reload(identity))
    if (found === 'missing') return { outcome: 'gone', tries }
    if (found === 'unavailable' && isSent) break
    if (found === 'unreadable') return destroyUnread(entries, identity, tries)
    if (typeof found !== 'string') {
      const result = await entries.delete(found.identity, found.version)
      if (result === 'deleted') return { outcome: 'destroyed', tries }
      if (result === 'missing') return { outcome: 'gone', tries }
      if (result === 'conflict') await backOff(tries)
      else isSent = true
    } else if (tries > 1) break
    at = null
  }
  return { outcome: 'unconfirmed', tries: maxTries }
}

async function destroyUnread(
  entries: Vault<Entry>,
  identity: Identity,
  tries: number,
): Promise<Done> {
  const result = await entries.delete(identity)
  return { outcome: result === 'deleted' ? 'destroyed' : 'unconfirmed', tries }
}

function randomWriteId(random: RandomBytes): number {
  return new DataView(randomBytes(random, 4).buffer).getUint32(0)
}

/** Up to 2, 4, 8 … 64 ms, at random, so that those who collided do not collide again. */
export function backoffTime(random: RandomBytes, tries: number): number {
  return (randomWriteId(random) / 2 ** 32) * Math.min(64, 2 ** tries)
}
