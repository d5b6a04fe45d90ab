import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSessions, sum } from '@coatcheck/core'
import type { ChaosProxy } from './chaos-proxy.ts'
import { startChaosProxy } from './chaos-proxy.ts'
import type { StoreFault } from './faulty-store.ts'
import type { HistoryOp } from './history.ts'
import { clock, historyKeys, initialValue, tokenOf } from './history.ts'
import { checkHistory } from './history-check.ts'
import { openStore, startServer } from './history-engine.ts'
import type { EngineName, HistoryServer } from './history-engine.ts'
import type { Done, Replacement, Task } from './history-worker.ts'
import type { ValkeyFault } from './planted-valkey-faults.ts'
import { createPrng } from './prng.ts'

export interface HistoryOptions {
  readonly ops: number
  /** Default: memcached. */
  readonly engine?: EngineName
  readonly seed?: number
  /** Whether connections are reset, cut and stalled, and the server is killed now and then. */
  readonly chaos?: boolean
  /** The probability that an operation ends its session near the end of the session's use. Default: 0.01. */
  readonly mortality?: number
  /** The probability that an operation gives its session a new token, by `renew` or a sign-in. Default: 0.02. */
  readonly mobility?: number
  readonly fault?: StoreFault
  /** A fault in the processes' Valkey store. */
  readonly planted?: ValkeyFault
}

export interface HistoryResult {
  readonly ops: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly anomalies: readonly string[]
  /** How often connections were broken and the server was restarted. */
  readonly broken: number
}

const processes = 4
const workers = 8
const hotSessions = 200
const secret = 'a secret that only the history checker uses'

/** The operations of one round, which has its own sessions, processes and history. */
const roundOps = 50_000

/** Runs rounds of operations against a real server, and checks each history. */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const { ops, engine = 'memcached', seed = 1, chaos = false } = options
  const server = await startServer(engine)
  const proxy = chaos ? await startChaosProxy(server.port, createPrng(seed)) : null
  const results: HistoryResult[] = []
  try {
    const size = chaos ? Math.min(roundOps, Math.ceil(ops / 4)) : Math.min(roundOps, ops)
    for (let done = 0; done < ops; done += size) {
      const round = { ...options, ops: size, seed: seed + done }
      const isWiped = chaos && results.length % 4 === 2
      results.push(await runRound(round, server, proxy, isWiped))
    }
  } finally {
    proxy?.close()
    await server.end()
  }
  return results.reduce(add)
}

function add(left: HistoryResult, right: HistoryResult): HistoryResult {
  const outcomes = { ...left.outcomes }
  for (const [name, count] of Object.entries(right.outcomes)) {
    outcomes[name] = (outcomes[name] ?? 0) + count
  }
  return {
    ops: left.ops + right.ops,
    outcomes,
    anomalies: [...left.anomalies, ...right.anomalies],
    broken: left.broken + right.broken,
  }
}

async function runRound(
  options: HistoryOptions,
  server: HistoryServer,
  proxy: ChaosProxy | null,
  isWiped: boolean,
): Promise<HistoryResult> {
  const { ops, engine = 'memcached', seed = 1, mortality = 0.01, mobility = 0.02 } = options
  const before = brokenBy(proxy)
  const created = await createHotSessions(engine, server.address)
  const cookies = created.map(({ cookie }) => cookie as string)
  const task = (process: number): Task => ({
    engine,
    address: proxy?.address ?? server.address,
    secret,
    cookies,
    process,
    workers,
    ops: Math.ceil(ops / processes / workers),
    seed,
    deadline: proxy === null ? 10_000 : 250,
    mortality,
    mobility,
    fault: options.fault ?? null,
  })
  proxy?.start()
  const wipes: number[] = []
  const wiping = isWiped ? wipe(server, wipes) : null
  const tasks = Array.from({ length: processes }, (_, at) => task(at))
  const done = (await runWorkers(tasks, options.planted)).flat()
  await proxy?.stop()
  await wiping
  const all = [...created, ...done]
  const history = [...all.map(({ op }) => op), ...(await readAll(engine, server.address, all))]
  const anomalies = checkHistory({
    ops: history,
    initial: initialValue,
    keys: historyKeys,
    wipes,
    chaos: proxy !== null,
  })
  const broken = brokenBy(proxy) - before + wipes.length
  return { ops: history.length, outcomes: countOutcomes(history), anomalies, broken }
}

function brokenBy(proxy: ChaosProxy | null): number {
  return Object.values(proxy?.done ?? {}).reduce((sum, count) => sum + count, 0)
}

async function wipe(server: HistoryServer, wipes: number[]): Promise<void> {
  await sleep(1500)
  wipes.push(clock())
  await server.restart()
}

function connect(engine: EngineName, address: string, age: number) {
  const store = openStore(engine, address, 10_000)
  const sessions = createSessions<Record<string, unknown>>({
    store,
    secrets: [secret],
    merge: { count: sum },
    onEvent: () => {},
    lifetime: { unused: 3600 },
    testing: { now: () => Date.now() - age },
  })
  return { sessions, close: () => store.close() }
}

/** The age in milliseconds at which their tokens are due. */
const hotAge = 61_000

async function createHotSessions(engine: EngineName, address: string): Promise<Done[]> {
  const { sessions, close } = connect(engine, address, hotAge)
  const created = await Promise.all(
    Array.from({ length: hotSessions }, async (_, at) => {
      const { session, commit } = await sessions.open('')
      for (const key of historyKeys) session.data[key] = initialValue(at, key)
      session.data['count'] = 0
      const { cookie } = await commit()
      if (cookie === null) throw new Error('no session could be created')
      const pair = `${cookie.name}=${cookie.value}`
      const newToken = tokenOf(pair)
      const op: HistoryOp = { ...blankOp(at), intent: 'create', newToken, newId: session.id }
      return { op, cookie: pair }
    }),
  )
  close()
  return created
}

function blankOp(session: number): HistoryOp {
  const now = clock()
  return {
    session,
    branch: null,
    token: '',
    openStart: now,
    openEnd: now,
    state: 'new',
    id: null,
    newId: null,
    ref: null,
    seen: {},
    count: 0,
    commitStart: now,
    commitEnd: now,
    intent: 'read',
    key: '',
    value: '',
    outcome: 'unchanged',
    newToken: null,
  }
}

/** Runs the worker processes, and forwards each new cookie to the others. */
function runWorkers(tasks: readonly Task[], planted?: ValkeyFault): Promise<Done[][]> {
  const planting =
    planted === undefined ? [] : ['--import', import.meta.resolve('./plant-in-valkey.ts')]
  const file = fileURLToPath(new URL('history-worker.ts', import.meta.url))
  const children: ChildProcess[] = []
  const running = tasks.map(async (task) => {
    const child = spawn(process.execPath, ['--max-semi-space-size=32', ...planting, file], {
      stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, PLANTED: planted },
    })
    children.push(child)
    child.on('message', (replacement: Replacement) => {
      for (const other of children) {
        // A process that has ended needs none.
        if (other !== child && other.connected) other.send(replacement, () => {})
      }
    })
    child.stdin?.end(JSON.stringify(task))
    const ended = once(child, 'close')
    const said = await text(child.stdout as NonNullable<typeof child.stdout>)
    const [code] = (await ended) as [number | null]
    if (code !== 0) throw new Error(`a worker ended with ${String(code)}`)
    return said
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Done)
  })
  return Promise.all(running)
}

/** Reads every session once more, with every cookie that was ever set. */
async function readAll(
  engine: EngineName,
  address: string,
  all: readonly Done[],
): Promise<HistoryOp[]> {
  const { sessions, close } = connect(engine, address, 0)
  const read = async ({ session, branch, cookie }: Issued): Promise<HistoryOp> => {
    const openStart = clock()
    const opened = await sessions.open(cookie)
    const openEnd = clock()
    const { data, state, id, ref } = opened.session
    const seen = Object.fromEntries(
      historyKeys.flatMap((key) => (key in data ? [[key, data[key] as string]] : [])),
    )
    const count = (data['count'] as number | undefined) ?? 0
    const token = tokenOf(cookie)
    const found = { branch, token, openStart, openEnd, state, id, newId: id, ref, seen, count }
    return { ...blankOp(session), ...found }
  }
  const ops = await Promise.all(issuedBy(all).map(read))
  close()
  return ops
}

interface Issued {
  readonly session: number
  readonly branch: string | null
  readonly cookie: string
}

function issuedBy(all: readonly Done[]): readonly Issued[] {
  const issued = new Map<string, Issued>()
  for (const { op, cookie } of all) {
    const { session, intent, outcome, value } = op
    if (cookie === null || issued.has(cookie)) continue
    const branch = intent === 'sign-in' && outcome === 'created' ? value : null
    issued.set(cookie, { session, branch, cookie })
  }
  return [...issued.values()]
}

function countOutcomes(history: readonly HistoryOp[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome, state } of history) {
    const name = state === 'unavailable' ? 'unavailable at open' : outcome
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
