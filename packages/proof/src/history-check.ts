import type { History, HistoryOp } from './history.ts'
import { checkRegister } from './register.ts'
import type { RegisterOp } from './register.ts'

const refused: ReadonlySet<string> = new Set(['gone', 'conflict', 'discarded', 'destroyed'])

/** A save whose answer was lost may have been there for a while, before the session was gone. */
const refusedInChaos: ReadonlySet<string> = new Set(['conflict', 'discarded', 'destroyed'])
const acknowledged: ReadonlySet<string> = new Set(['saved', 'renewed', 'created', 'rotated'])

/** Everything in a history that is impossible, as text; an empty list: it is sound. In time n log n. */
export function checkHistory(history: History): string[] {
  const anomalies: string[] = []
  const bySession = Map.groupBy(history.ops, ({ session }) => session)
  for (const [session, ops] of bySession) {
    const found = [
      ...checkValues(ops),
      ...history.keys.map((key) => checkKey(history, session, key, ops)),
      checkCounts(history, ops),
      ...checkEnds(history, ops),
    ]
    for (const each of found) if (each !== null) anomalies.push(`session ${session}: ${each}`)
  }
  return anomalies
}

/** No read shows another session's value. */
function checkValues(ops: readonly HistoryOp[]): string[] {
  return ops.flatMap(({ session, seen }) =>
    Object.values(seen)
      .filter((value) => !value.startsWith(`${session}/`))
      .map((value) => `showed ${value}, which is another session's`),
  )
}

/** Each key is a linearizable register: so no acknowledged write is lost, and no refused one is seen. */
function checkKey(
  { initial, chaos }: History,
  session: number,
  key: string,
  ops: readonly HistoryOp[],
): string | null {
  const shown = new Set(ops.flatMap(({ seen }) => seen[key] ?? []))
  const first = { kind: 'write', value: initial(session, key), start: -2, end: -1 } as const
  const register: RegisterOp[] = [first]
  const isRefused = chaos ? refusedInChaos : refused
  for (const op of ops) {
    const value = op.seen[key]
    if (value !== undefined) {
      register.push({ kind: 'read', value, start: op.openStart, end: op.openEnd })
    }
    if (op.key !== key || op.value === '') continue
    if (isRefused.has(op.outcome) && shown.has(op.value))
      return `${op.value} was ${op.outcome}, and seen`
    if (acknowledged.has(op.outcome)) register.push(writeOf(op, op.commitEnd))
    // It is unknown when it took effect; if it was never seen, it may not have.
    else if (!isRefused.has(op.outcome) && shown.has(op.value)) register.push(writeOf(op, Infinity))
  }
  const broken = checkRegister(register)
  return broken === null ? null : `key ${key}: ${broken}`
}

function writeOf({ value, commitStart }: HistoryOp, end: number): RegisterOp {
  return { kind: 'write', value, start: commitStart, end }
}

/** Each read counts at least what was acknowledged before it, and at most what was begun before its end. */
function checkCounts({ chaos }: History, ops: readonly HistoryOp[]): string | null {
  const isRefused = chaos ? refusedInChaos : refused
  const writes = ops.filter(({ value }) => value !== '')
  const done = writes.filter(({ outcome }) => acknowledged.has(outcome)).map((op) => op.commitEnd)
  const begun = writes.filter(({ outcome }) => !isRefused.has(outcome)).map((op) => op.commitStart)
  done.sort((left, right) => left - right)
  begun.sort((left, right) => left - right)
  for (const { state, count, openStart, openEnd } of ops) {
    if (state !== 'live') continue
    const least = countBefore(done, openStart)
    const most = countBefore(begun, openEnd)
    if (count < least) return `${least} additions were acknowledged, and ${count} counted`
    if (count > most) return `${most} additions were begun, and ${count} counted`
  }
  return null
}

/** How many of the sorted times are before `time`. */
function countBefore(times: readonly number[], time: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] as number) < time) low = middle + 1
    else high = middle
  }
  return low
}

/** Nothing succeeds after an acknowledged end, and no session ends without a request that ends it. */
function checkEnds({ wipes, chaos }: History, ops: readonly HistoryOp[]): (string | null)[] {
  const ends = ops.filter(({ intent }) => intent === 'destroy' || intent === 'renew')
  const acked = ends.filter(({ outcome }) => outcome === 'destroyed' || outcome === 'renewed')
  const dead = Math.min(...acked.map((op) => op.commitEnd))
  const dying = Math.min(...ends.map((op) => op.commitStart), ...wipes)
  return ops.map((op) => {
    if (op.renewed)
      return op.state === 'live' || wipes.length > 0 ? null : 'was lost by its renewal'
    if (op.state === 'live' && op.openStart > dead) return 'was read after its end'
    if (acknowledged.has(op.outcome) && op.commitStart > dead) return `${op.outcome} after its end`
    const isOver = op.state === 'new' || op.outcome === 'gone'
    if (isOver && op.commitEnd < dying) return 'was taken for ended, and no request had ended it'
    const isOutage = op.state === 'unavailable' || /^un(available|confirmed)$/.test(op.outcome)
    return isOutage && !chaos ? `${op.state}, ${op.outcome}: there was no outage` : null
  })
}
