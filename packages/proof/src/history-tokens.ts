import type { History, HistoryOp } from './history.ts'
import { dyingSince } from './history-ends.ts'

/** When a token was replaced, and when that may first have happened. */
interface Replaced {
  /** When a renewal or sign-in under it was acknowledged. */
  readonly dead: number
  /** When one began, or a rotation, or an operation that may have been one. */
  readonly dying: number
}

/**
 * A token is dead once a renewal or sign-in under it is acknowledged, and alive until one begins. After a rotation it
 * works for a while. `moved` is reported only for such tokens.
 */
export function checkTokens(history: History, ops: readonly HistoryOp[]): (string | null)[] {
  const ids = idsOf(ops)
  const replaced = replacedIds(ops)
  const dying = dyingSince(history, ops)
  return ops.map((op) => {
    if (op.token === '') return null
    const own = op.id === null ? undefined : replaced.get(op.id)
    if (own !== undefined && op.state === 'live' && op.openStart > own.dead)
      return 'was read under a token that had been replaced'
    const sent = replaced.get(ids.get(op.token) ?? '')
    // In an outage it is unknown which move succeeded.
    const since = history.chaos ? earliest(replaced) : (sent?.dying ?? Infinity)
    if (op.state === 'new' && op.openEnd < Math.min(since, dying))
      return 'lost a token that no request had replaced'
    const moved = Math.min(since, own?.dying ?? Infinity, dying)
    if (op.outcome === 'moved' && op.commitEnd < moved)
      return 'was told of a move that no one began'
    return null
  })
}

/** The ids of tokens. */
function idsOf(ops: readonly HistoryOp[]): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  for (const { newToken, newId } of ops) {
    if (newToken !== null && newId !== null) ids.set(newToken, newId)
  }
  return ids
}

const moving: ReadonlySet<string> = new Set(['renew', 'sign-in'])

/** Whether it has given the session another token, or may have: every token is due at first. */
const mayMove = ({ intent, outcome }: HistoryOp): boolean =>
  moving.has(intent) || outcome === 'rotated' || outcome === 'unavailable'

function replacedIds(ops: readonly HistoryOp[]): ReadonlyMap<string, Replaced> {
  const rotations = new Map(
    ops.flatMap((op) => (op.outcome === 'rotated' && op.id !== null ? [[op.id, op] as const] : [])),
  )
  const replaced = new Map<string, Replaced>()
  for (const op of ops) {
    if (op.id === null || !mayMove(op)) continue
    for (const id of placesOf(op, op.id, rotations)) {
      const before = replaced.get(id) ?? { dead: Infinity, dying: Infinity }
      const dead = op.outcome === 'renewed' ? op.commitEnd : Infinity
      replaced.set(id, {
        dead: Math.min(before.dead, dead),
        dying: Math.min(before.dying, op.commitStart),
      })
    }
  }
  return replaced
}

/** Where a move may have found the session: where it was loaded, or where a rotation has moved it since. */
function placesOf(
  op: HistoryOp,
  id: string,
  rotations: ReadonlyMap<string, HistoryOp>,
): readonly string[] {
  const rotation = rotations.get(id)
  if (op.outcome === 'rotated' || rotation === undefined || rotation.commitStart > op.commitEnd)
    return [id]
  return rotation.newId === null ? [id] : [id, rotation.newId]
}

function earliest(replaced: ReadonlyMap<string, Replaced>): number {
  return Math.min(...[...replaced.values()].map(({ dying }) => dying))
}
