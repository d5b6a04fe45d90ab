import type { History, HistoryOp } from './history.ts'

/** Intents that end a session, wherever it has moved. */
const ending: ReadonlySet<string> = new Set(['destroy', 'revoke', 'end'])

/** When the first request that ends the session began, or the server was emptied; Infinity if never. */
export function dyingSince({ wipes }: Pick<History, 'wipes'>, ops: readonly HistoryOp[]): number {
  const ends = ops.filter(({ intent }) => ending.has(intent))
  return Math.min(...ends.map((op) => op.commitStart), ...wipes)
}

const changing: ReadonlySet<string> = new Set(['saved', 'renewed', 'rotated'])

/**
 * After an acknowledged sign-out nothing succeeds, under any token. Without outages none is reported. A session ends
 * during a change only if a request ends it.
 */
export function checkEnds(history: History, ops: readonly HistoryOp[]): (string | null)[] {
  // A sign-out with the outcome `gone` has also ended the session, or found that another one had.
  const signOuts = ops.filter(
    ({ intent, outcome }) =>
      intent === 'destroy' && (outcome === 'destroyed' || outcome === 'gone'),
  )
  const dead = Math.min(...signOuts.map((op) => op.commitEnd))
  const dying = dyingSince(history, ops)
  return ops.map((op) => {
    if (op.state === 'live' && op.openStart > dead) return 'was read after its end'
    if (changing.has(op.outcome) && op.commitStart > dead) return `${op.outcome} after its end`
    if (op.outcome === 'gone' && op.commitEnd < dying)
      return 'was taken for ended, and no request had ended it'
    const isOutage = op.state === 'unavailable' || /^un(available|confirmed)$/.test(op.outcome)
    return isOutage && !history.chaos ? `${op.state}, ${op.outcome}: there was no outage` : null
  })
}
