/**
 * One process of a history run. Reads its task as JSON from standard input, and writes its operations as JSON, one per
 * line. The cookies of all processes are those of one browser.
 */
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSessions, sum } from '@coatcheck/core'
import type { Opened, Sessions } from '@coatcheck/core'
import type { HistoryOp, Intent } from './history.ts'
import { clock, historyKeys, subjectOf, tokenOf } from './history.ts'
import { faultyStore } from './faulty-store.ts'
import type { StoreFault } from './faulty-store.ts'
import { openStore } from './history-engine.ts'
import type { EngineName } from './history-engine.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'

export interface Task {
  readonly engine: EngineName
  readonly address: string
  readonly secret: string
  readonly cookies: readonly string[]
  readonly process: number
  readonly workers: number
  /** Per worker. */
  readonly ops: number
  readonly seed: number
  readonly deadline: number
  /** The probability that an operation ends a session that is about to be left behind. */
  readonly mortality: number
  /** The probability that an operation moves its session to another token. */
  readonly mobility: number
  readonly fault: StoreFault | null
}

/** A message between processes: a session's cookie was replaced. */
export interface Replacement {
  readonly session: number
  readonly from: string
  readonly to: string
}

/** One operation, and the cookie in its response. */
export interface Done {
  readonly op: HistoryOp
  readonly cookie: string | null
}

interface Data {
  count: number
  [key: string]: unknown
}

const task = JSON.parse(await text(process.stdin)) as Task
const store = openStore(task.engine, task.address, task.deadline)
const sessions = createSessions<Data>({
  store: task.fault === null ? store : faultyStore(store, task.fault),
  secrets: [task.secret],
  merge: { count: sum },
  onEvent: () => {},
  // The sessions are older than that when the run begins.
  lifetime: { unused: 3600, rotate: 60 },
})
const writing: readonly Intent[] = ['write', 'renew', 'sign-in']
const jar = [...task.cookies]
const log: Done[] = []

process.on('message', replace)
await Promise.all(Array.from({ length: task.workers }, (_, worker) => work(worker)))
store.close()
if (process.connected) process.disconnect()
process.stdout.write(log.map((done) => `${JSON.stringify(done)}\n`).join(''))

function replace({ session, from, to }: Replacement): void {
  if (jar[session] === from) jar[session] = to
}

async function work(worker: number): Promise<void> {
  const prng = createPrng(task.seed * 1000 + task.process * 100 + worker)
  for (let turn = 0; turn < task.ops; turn++) {
    const at = chooseSession(prng, turn)
    const name = `${at}/${task.process}.${worker}.${turn}`
    const { op, cookie } = await visit(sessions, prng, at, name, isLate(turn))
    log.push({ op, cookie })
    // Otherwise an outage would pass in thousands of operations that show nothing.
    if (op.state === 'unavailable') await sleep(20)
  }
}

/** All workers move through the sessions at about the same speed, so that they collide. */
function chooseSession(prng: Prng, turn: number): number {
  const focus = Math.floor((turn / task.ops) * task.cookies.length)
  return Math.min(task.cookies.length - 1, focus + prng.below(4))
}

/** Whether the workers are about to leave the session behind. */
function isLate(turn: number): boolean {
  const place = (turn / task.ops) * task.cookies.length
  return place % 1 > 0.7
}

function chooseIntent(prng: Prng, late: boolean, isSignedIn: boolean): Intent {
  if (late && prng.chance(task.mortality)) {
    return isSignedIn ? prng.pick(['destroy', 'revoke', 'end']) : 'destroy'
  }
  if (prng.chance(task.mobility)) return prng.pick(['renew', 'sign-in'])
  return prng.chance(0.4) ? 'read' : 'write'
}

async function visit(
  sessions: Sessions<Partial<Data>>,
  prng: Prng,
  session: number,
  name: string,
  late: boolean,
): Promise<Done> {
  const sent = jar[session] as string
  const openStart = clock()
  const opened = await sessions.open(sent)
  const openEnd = clock()
  const { data, state, id, ref } = opened.session
  const seen = seenIn(data)
  const count = data.count ?? 0
  const intent = state === 'live' ? chooseIntent(prng, late, ref !== null) : 'read'
  const key = prng.pick(historyKeys)
  if (prng.chance(0.3)) await new Promise(setImmediate)
  if (prng.chance(0.05)) await sleep(1 + prng.below(4))
  const writes = writing.includes(intent)
  if (writes) {
    data[key] = name
    data.count = count + 1
  }
  const commitStart = clock()
  const { outcome, cookie } = await finish(opened, session, intent)
  const commitEnd = clock()
  // The cookie of a sign-in's separate session stays with it.
  if (cookie !== null && outcome !== 'created') tell({ session, from: sent, to: cookie })
  const op: HistoryOp = {
    session,
    branch: null,
    token: tokenOf(sent),
    openStart,
    openEnd,
    state,
    id,
    newId: opened.session.id,
    ref,
    seen,
    count,
    commitStart,
    commitEnd,
    intent,
    key,
    value: writes ? name : '',
    outcome,
    newToken: cookie && tokenOf(cookie),
  }
  return { op, cookie }
}

function seenIn(data: Partial<Data>): Record<string, string> {
  const entries = historyKeys.flatMap((key) => {
    const value = data[key]
    return typeof value === 'string' ? [[key, value] as const] : []
  })
  return Object.fromEntries(entries)
}

async function finish(
  { session, commit }: Opened<Partial<Data>>,
  at: number,
  intent: Intent,
): Promise<{ readonly outcome: string; readonly cookie: string | null }> {
  const subject = subjectOf(at)
  if (intent === 'revoke' || intent === 'end') {
    const outcome = await (intent === 'revoke'
      ? sessions.revoke(subject)
      : sessions.end(subject, session.ref as string))
    return { outcome: outcome === 'gone' ? 'nothing to revoke' : outcome, cookie: null }
  }
  if (intent === 'sign-in') session.signIn(subject)
  if (intent === 'destroy' || intent === 'renew') session[intent]()
  const { outcome, cookie } = await commit()
  const isGiven = cookie !== null && cookie.value !== ''
  return { outcome, cookie: isGiven ? `${cookie.name}=${cookie.value}` : null }
}

function tell(replacement: Replacement): void {
  replace(replacement)
  process.send?.(replacement)
}
