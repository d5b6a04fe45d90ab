import type { History, HistoryOp } from './history.ts'
import { checkEnds } from './history-ends.ts'
import { checkBranches, checkRevocations } from './history-sign-ins.ts'
import { checkTokens } from './history-tokens.ts'
import { checkRegister } from './register.ts'
import type { RegisterOp } from './register.ts'

const refused: ReadonlySet<string> = new Set([
  'gone',
  'moved',
  'conflict',
  'discarded',
  'destroyed',
  // Then it is in a separate session.
  'created',
])

/** A save whose reply was lost may have been visible for a while before the session was gone. */
const refusedInChaos: ReadonlySet<string> = new Set(
  [...refused].filter((outcome) => outcome !== 'gone'),
)

/** Outcomes after which the change is in the session. */
export const acknowledged: ReadonlySet<string> = new Set(['saved', 'renewed', 'rotated'])

/** All anomalies in a history, as text; empty if it is sound. Takes O(n log n). */
export function checkHistory(history: History): string[] {
  const anomalies: string[] = []
  const bySession = Map.groupBy(history.ops, ({ session }) => session)
  for (const [session, ops] of bySession) {
    const trunk = ops.filter(({ branch }) => branch === null)
    const found = [
      ...checkValues(ops),
      ...history.keys.map((key) => checkKey(history, session, key, trunk)),
      checkCounts(history, trunk),
      ...checkEnds(history, trunk),
      ...checkTokens(history, trunk),
      ...checkRevocations(ops),
      ...checkBranches(history, ops),
    ]
    for (const each of found) if (each !== null) anomalies.push(`session ${session}: ${each}`)
  }
  return anomalies
}

/** No read returns another session's value. */
function checkValues(ops: readonly HistoryOp[]): string[] {
  return ops.flatMap(({ session, seen }) =>
    Object.values(seen)
      .filter((value) => !value.startsWith(`${session}/`))
      .map((value) => `showed ${value}, which is another session's`),
  )
}

/** Each key is a linearizable register: no acknowledged write is lost, and no refused one is seen. */
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
    // When it took effect is unknown; if it was never seen, it may not have.
    else if (!isRefused.has(op.outcome) && shown.has(op.value)) register.push(writeOf(op, Infinity))
  }
  const broken = checkRegister(register)
  return broken === null ? null : `key ${key}: ${broken}`
}

function writeOf({ value, commitStart }: HistoryOp, end: number): RegisterOp {
  return { kind: 'write', value, start: commitStart, end }
}

/** Each read counts at least the writes acknowledged before it began, and at most those begun before it ended. */
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

/** The number of sorted times before `time`. */
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
