import type { History, HistoryOp } from './history.ts'
import { dyingSince } from './history-ends.ts'

/** A revocation ends all sign-ins before it. `end` ends the one that it names. */
export function checkRevocations(ops: readonly HistoryOp[]): (string | null)[] {
  const firstSeen = new Map<string, number>()
  for (const { ref, openEnd } of ops) {
    if (ref !== null) firstSeen.set(ref, Math.min(firstSeen.get(ref) ?? Infinity, openEnd))
  }
  const revocations = ops.filter(({ outcome }) => outcome === 'revoked')
  return revocations.flatMap((revocation) =>
    ops.map(({ ref, state, openStart }) => {
      if (ref === null || state !== 'live' || openStart <= revocation.commitEnd) return null
      const isMeant =
        revocation.intent === 'end'
          ? ref === revocation.ref
          : (firstSeen.get(ref) as number) < revocation.commitStart
      return isMeant ? 'was read after its revocation' : null
    }),
  )
}

/**
 * A sign-in whose session was moved or ended in the meantime gets a separate session: with its own change and either
 * all other data it had seen, or none; none if the session had been signed out.
 */
export function checkBranches(history: History, ops: readonly HistoryOp[]): (string | null)[] {
  const signOuts = ops.filter(({ outcome }) => outcome === 'destroyed')
  const dead = Math.min(...signOuts.map(({ commitEnd }) => commitEnd))
  const dying = dyingSince(history, ops)
  const reads = new Map(ops.flatMap((op) => (op.branch === null ? [] : [[op.branch, op] as const])))
  const begun = ops.filter(({ intent, outcome }) => intent === 'sign-in' && outcome === 'created')
  return begun.map((signIn) => {
    const read = reads.get(signIn.value)
    if (read === undefined || read.state === 'unavailable') return null
    if (read.state === 'new') return dying === Infinity ? 'the session of a sign-in was lost' : null
    if (read.ref === null) return 'a sign-in signed in no one'
    if (read.seen[signIn.key] !== signIn.value) return 'a sign-in is without its own change'
    const others = history.keys.filter((key) => key !== signIn.key)
    const isAlone = others.every((key) => !(key in read.seen))
    const isWhole = others.every((key) => read.seen[key] === signIn.seen[key])
    if (!isAlone && dead < signIn.commitStart)
      return 'what was signed out is in the session of a sign-in'
    return isAlone || isWhole ? null : 'the session of a sign-in is partial'
  })
}
