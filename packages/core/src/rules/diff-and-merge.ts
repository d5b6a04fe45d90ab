/** The encoded value of one top-level key. Never mutated. */
export type Block = Uint8Array

/** A session's data as stored: a block for each top-level key, in key order. */
export type Blocks = ReadonlyMap<string, Block>

/** The changes that one request made, by top-level key. */
export interface Changes {
  readonly set: Blocks
  readonly deleted: ReadonlySet<string>
}

/** A key that both sides changed. A side without the key has no block. */
export interface Contest {
  readonly base: Block | undefined
  readonly ours: Block | undefined
  readonly theirs: Block | undefined
}

/** Resolves a contested key; `undefined` deletes it. */
export type Settle = (key: string, contest: Contest) => Block | undefined

/** Whether two blocks hold the same bytes. */
export function sameBlock(left: Block | undefined, right: Block | undefined): boolean {
  if (left === right) return true
  if (left === undefined || right === undefined || left.length !== right.length) return false
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false
  return true
}

const noChanges: Changes = { set: new Map(), deleted: new Set() }

/** The changes that turn `base` into `ours`. */
export function diff(base: Blocks, ours: Blocks): Changes {
  if (base === ours) return noChanges
  const set = new Map<string, Block>()
  const deleted = new Set<string>()
  for (const [key, block] of ours) if (!sameBlock(base.get(key), block)) set.set(key, block)
  for (const key of base.keys()) if (!ours.has(key)) deleted.add(key)
  return { set, deleted }
}

/** Whether there is nothing to save. */
export function isEmpty(changes: Changes): boolean {
  return changes.set.size === 0 && changes.deleted.size === 0
}

/** The default for a contested key: the later save wins. */
export const ours: Settle = (_key, contest) => contest.ours

/**
 * Replays `changes`, made on `base`, onto `theirs`. A key that only one side changed is taken from that side; a key
 * that both changed is passed to `settle`; other keys stay as in `theirs`.
 *
 * `settle` is called even if both sides have the same bytes: two additions of 1 make 2.
 */
export function merge(base: Blocks, changes: Changes, theirs: Blocks, settle: Settle): Blocks {
  const merged = new Map(theirs)
  const put = (key: string, block: Block | undefined): void => {
    if (block === undefined) merged.delete(key)
    else merged.set(key, block)
  }
  const replay = (key: string, mine: Block | undefined): void => {
    const contest = { base: base.get(key), ours: mine, theirs: theirs.get(key) }
    put(key, sameBlock(contest.base, contest.theirs) ? mine : settle(key, contest))
  }
  for (const [key, block] of changes.set) replay(key, block)
  for (const key of changes.deleted) if (theirs.has(key)) replay(key, undefined)
  return merged
}
