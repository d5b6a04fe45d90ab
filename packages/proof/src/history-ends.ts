import type { History, HistoryOp } from './history.ts'

/** What ends a session, wherever it has moved. */
const ending: ReadonlySet<string> = new Set(['destroy', 'revoke', 'end'])

/** When a request that ends the session was first begun, or the server was emptied; Infinity: never. */
export function dyingSince({ wipes }: Pick<History, 'wipes'>, ops: readonly HistoryOp[]): number {
  const ends = ops.filter(({ intent }) => ending.has(intent))
  return Math.min(...ends.map((op) => op.commitStart), ...wipes)
}

const changing: ReadonlySet<string> = new Set(['saved', 'renewed', 'rotated'])

/**
 * Nothing succeeds after an acknowledged sign-out, under whatever token; without outages nothing is reported as one;
 * and a change does not end with its session while no request ends that.
 */
export function checkEnds(history: History, ops: readonly HistoryOp[]): (string | null)[] {
  // A sign-out that says `gone` has ended the session as well, or has found that another one did.
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
