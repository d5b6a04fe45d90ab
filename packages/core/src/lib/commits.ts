import type { Blocks, Changes, Settle } from './changes.ts'
import { merge } from './changes.ts'
import type { Lifetime } from './expiry.ts'
import { expiresAt, hasEnded } from './expiry.ts'
import type { Outcome } from './next-step.ts'
import type { SessionRecord } from './record.ts'
import { addWrite, checkSize, hasWrite, noWrites } from './record.ts'
import { createToken, idOf } from './token.ts'
import type { RandomBytes } from './token.ts'
import { createTurns } from './turns.ts'
import type { Loaded, Vault } from './vault.ts'

/** What one request changed, and on what snapshot. */
export interface Edit {
  readonly base: Blocks
  readonly changes: Changes
}

/** An edit of a session that was loaded. `order` tells which of several was loaded last. */
export interface LiveEdit extends Edit {
  readonly loaded: Loaded
  readonly order: number
}

/** What a commit did. `token` and `id`: of the session that the visitor has now, where that changed. */
export interface Done {
  readonly outcome: Outcome
  readonly tries: number
  readonly token?: string
  readonly id?: string
  readonly createdAt?: number
}

export interface CommitContext {
  readonly vault: Vault
  readonly namespace: string
  readonly settle: Settle
  readonly lifetime: Lifetime
  readonly maxBytes: number
  readonly now: () => number
  readonly random: RandomBytes
  readonly wait: (milliseconds: number) => Promise<void>
}

export interface Commits {
  readonly create: (edit: Edit) => Promise<Done>
  readonly save: (id: string, edit: LiveEdit) => Promise<Done>
  readonly renew: (id: string, edit: LiveEdit) => Promise<Done>
  readonly destroy: (id: string) => Promise<Done>
}

interface Turn extends LiveEdit {
  readonly kind: 'save' | 'renew'
}

/** One waiting commit's end: done, or an error of its own (its value is too large, its resolver threw). */
type End = Done | { readonly error: unknown }

/** A commit gives up after this many writes, or when this many milliseconds have passed. */
const maxTries = 16
const maxDuration = 1000

/**
 * The four ways to write. Commits to one session inside one process take turns, and those that wait
 * are merged into one write; processes meet in the store, by compare-and-swap.
 */
export function createCommits(context: CommitContext): Commits {
  const take = createTurns<Turn, End>(
    (turn) => turn.kind === 'renew',
    async (id, turns) => {
      const [first] = turns
      if (first?.kind === 'renew') return [await endOf(() => renew(context, id, first))]
      return save(context, id, turns)
    },
  )
  const takeTurn = async (id: string, turn: Turn): Promise<Done> => {
    const end = await take(id, turn)
    if ('error' in end) throw end.error
    return end
  }
  return {
    create: (edit) => create(context, edit),
    save: (id, edit) => takeTurn(id, { ...edit, kind: 'save' }),
    renew: (id, edit) => takeTurn(id, { ...edit, kind: 'renew' }),
    destroy: (id) => destroy(context, id),
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

async function endOf(work: () => Promise<Done>): Promise<End> {
  try {
    return await work()
  } catch (error) {
    return { error }
  }
}

async function create(context: CommitContext, edit: Edit): Promise<Done> {
  const { settle, maxBytes, now } = context
  const fresh = { createdAt: now(), writes: noWrites, blocks: new Map() }
  return claim(context, replay(fresh, edit, settle, maxBytes), 'created')
}

/** Adds the record under a fresh token; 256 random bits are taken only if somebody plants records. */
async function claim(
  context: CommitContext,
  record: SessionRecord,
  outcome: Outcome,
): Promise<Done> {
  const { vault, namespace, lifetime, now, random } = context
  const { createdAt } = record
  for (let tries = 1; ; tries++) {
    const token = createToken(random)
    const id = await idOf(namespace, token)
    const result = await vault.create(id, record, expiresAt(lifetime, createdAt, now()))
    if (result === 'created') return { outcome, tries, token, id, createdAt }
    if (result === 'unavailable') return { outcome: 'unavailable', tries }
    if (tries >= maxTries) return { outcome: 'conflict', tries }
  }
}

/** Merges all waiting edits onto the freshest record that any of them loaded, in one write. */
async function save(context: CommitContext, id: string, turns: readonly Turn[]): Promise<End[]> {
  const { vault, lifetime, now, random } = context
  const writeId = randomWriteId(random)
  const deadline = now() + maxDuration
  let { loaded } = turns.reduce((left, right) => (right.order > left.order ? right : left))
  let savesBeforeLostReply: number | null = null
  for (let tries = 1; ; tries++) {
    const { createdAt } = loaded.record
    const { record, ends } = replayAll(context, loaded.record, turns)
    const all = (outcome: Outcome): End[] => ends.map((end) => end ?? { outcome, tries, id })
    if (ends.every((end) => end !== null)) return all('unchanged')
    if (hasEnded(lifetime, createdAt, now())) return all('gone')
    const written = { ...record, writes: addWrite(record.writes, writeId) }
    const expiry = expiresAt(lifetime, createdAt, now())
    const result = await vault.save(id, written, expiry, loaded.version)
    if (result === 'saved') return all('saved')
    if (result === 'missing') return all('gone')
    if (result === 'unavailable') savesBeforeLostReply ??= loaded.record.writes.count
    const failed = savesBeforeLostReply === null ? 'conflict' : 'unavailable'
    if (tries >= maxTries || now() >= deadline) return all(failed)
    if (result === 'conflict') await context.wait(backoff(random, tries))
    const next = await reload(vault, id)
    if (typeof next === 'string') return all(next)
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
async function renew(context: CommitContext, id: string, turn: Turn): Promise<Done> {
  const { vault, lifetime, settle, maxBytes, now } = context
  const deadline = now() + maxDuration
  let { loaded } = turn
  for (let tries = 1; ; tries++) {
    const { createdAt } = loaded.record
    if (hasEnded(lifetime, createdAt, now())) return { outcome: 'gone', tries }
    const claimed = await claim(context, replay(loaded.record, turn, settle, maxBytes), 'renewed')
    if (claimed.id === undefined) return { ...claimed, tries }
    const result = await vault.delete(id, loaded.version)
    if (result === 'deleted') return { ...claimed, tries }
    const withdrawn = vault.delete(claimed.id)
    const next = result === 'conflict' ? await reload(vault, id) : endOfRenew(result)
    await withdrawn
    if (typeof next === 'string') return { outcome: next, tries }
    if (tries >= maxTries || now() >= deadline) return { outcome: 'conflict', tries }
    await context.wait(backoff(context.random, tries))
    loaded = next
  }
}

/** A delete whose reply was lost may have been a logout's: the safe side is to hand out nothing. */
function endOfRenew(result: 'missing' | 'unavailable'): Outcome {
  return result === 'missing' ? 'gone' : 'unavailable'
}

async function reload(vault: Vault, id: string): Promise<Loaded | Outcome> {
  const found = await vault.load(id)
  if (found === 'missing') return 'gone'
  return found === 'unreadable' ? 'unavailable' : found
}

/** Deleting twice is deleting once, so a lost reply is worth a second try. */
async function destroy({ vault }: CommitContext, id: string): Promise<Done> {
  const first = await vault.delete(id)
  if (first === 'deleted') return { outcome: 'destroyed', tries: 1 }
  if (first === 'missing') return { outcome: 'gone', tries: 1 }
  const second = await vault.delete(id)
  const confirmed = second === 'deleted' || second === 'missing'
  return { outcome: confirmed ? 'destroyed' : 'unconfirmed', tries: 2 }
}

function randomWriteId(random: RandomBytes): number {
  return new DataView(random(new Uint8Array(4)).buffer).getUint32(0)
}

/** Up to 2, 4, 8 … 64 ms, at random, so that those who collided do not collide again. */
function backoff(random: RandomBytes, tries: number): number {
  return (randomWriteId(random) / 2 ** 32) * Math.min(64, 2 ** tries)
}
