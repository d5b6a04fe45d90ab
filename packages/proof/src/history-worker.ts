/**
 * One of the processes of a history run. Its task comes as JSON on standard input; what it did goes out as
 * JSON, one operation a line.
 */
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSessions, sum } from '@coatcheck/core'
import type { Sessions } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import type { HistoryOp } from './history.ts'
import { clock, historyKeys } from './history.ts'
import { faultyStore } from './faulty-store.ts'
import type { StoreFault } from './faulty-store.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'

export interface Task {
  readonly address: string
  readonly secret: string
  readonly cookies: readonly string[]
  readonly process: number
  readonly workers: number
  /** For each worker. */
  readonly ops: number
  readonly seed: number
  readonly deadline: number
  /** How likely an operation ends a session that is about to be left behind. */
  readonly mortality: number
  readonly fault: StoreFault | null
}

interface Data {
  count: number
  [key: string]: unknown
}

const task = JSON.parse(await text(process.stdin)) as Task
const store = memcachedStore({ servers: task.address, deadline: task.deadline })
const sessions = createSessions<Data>({
  store: task.fault === null ? store : faultyStore(store, task.fault),
  secrets: [task.secret],
  merge: { count: sum },
  lifetime: { anonymous: 3600 },
})
const log: HistoryOp[] = []

// The core's waits and the store's idle connections do not keep a process alive.
const awake = setInterval(() => {}, 1000)
await Promise.all(Array.from({ length: task.workers }, (_, worker) => work(worker)))
store.close()
clearInterval(awake)
process.stdout.write(log.map((op) => `${JSON.stringify(op)}\n`).join(''))

async function work(worker: number): Promise<void> {
  const prng = createPrng(task.seed * 1000 + task.process * 100 + worker)
  for (let turn = 0; turn < task.ops; turn++) {
    const at = chooseSession(prng, turn)
    const name = `${at}/${task.process}.${worker}.${turn}`
    const op = await visit(sessions, prng, at, name, isLate(turn))
    log.push(op)
    // So that an outage is not over in thousands of operations that say nothing.
    if (op.state === 'unavailable') await sleep(20)
  }
}

/** All workers move through the sessions at about the same speed, so that they meet. */
function chooseSession(prng: Prng, turn: number): number {
  const focus = Math.floor((turn / task.ops) * task.cookies.length)
  return Math.min(task.cookies.length - 1, focus + prng.below(4))
}

/** Whether the session is about to be left behind by all. */
function isLate(turn: number): boolean {
  const place = (turn / task.ops) * task.cookies.length
  return place % 1 > 0.7
}

function chooseIntent(prng: Prng, late: boolean): HistoryOp['intent'] {
  if (late && prng.chance(task.mortality)) return prng.chance(0.7) ? 'destroy' : 'renew'
  return prng.chance(0.4) ? 'read' : 'write'
}

async function visit(
  sessions: Sessions<Partial<Data>>,
  prng: Prng,
  session: number,
  name: string,
  late: boolean,
): Promise<HistoryOp> {
  const openStart = clock()
  const opened = await sessions.open(task.cookies[session] as string)
  const openEnd = clock()
  const { data, state } = opened.session
  const entries = historyKeys.flatMap((key) => {
    const value = data[key]
    return typeof value === 'string' ? [[key, value] as const] : []
  })
  const seen = Object.fromEntries(entries)
  const count = data.count ?? 0
  const intent = state === 'live' ? chooseIntent(prng, late) : 'read'
  const key = prng.pick(historyKeys)
  if (prng.chance(0.3)) await new Promise(setImmediate)
  if (prng.chance(0.05)) await sleep(1 + prng.below(4))
  const writes = intent === 'write' || intent === 'renew'
  if (writes) {
    data[key] = name
    data.count = count + 1
  }
  if (intent === 'destroy' || intent === 'renew') opened.session[intent]()
  const commitStart = clock()
  const { outcome, cookie } = await opened.commit()
  const value = writes ? name : ''
  return {
    session,
    openStart,
    openEnd,
    state,
    seen,
    count,
    commitStart,
    commitEnd: clock(),
    intent,
    key,
    value,
    outcome,
    cookie: cookie && `${cookie.name}=${cookie.value}`,
    renewed: false,
  }
}
