import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSessions, sum } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import type { MemcachedProcess } from '@coatcheck/harness/memcached'
import type { ChaosProxy } from './chaos-proxy.ts'
import { startChaosProxy } from './chaos-proxy.ts'
import type { StoreFault } from './faulty-store.ts'
import type { HistoryOp } from './history.ts'
import { clock, historyKeys, initialValue } from './history.ts'
import { checkHistory } from './history-check.ts'
import type { Task } from './history-worker.ts'
import { createPrng } from './prng.ts'

export interface HistoryOptions {
  readonly ops: number
  readonly seed?: number
  /** Connections are reset, cut and stalled, and memcached is killed now and then. */
  readonly chaos?: boolean
  /** How likely an operation ends its session, near the end of its time. Default: 0.01. */
  readonly mortality?: number
  readonly fault?: StoreFault
}

export interface HistoryResult {
  readonly ops: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly anomalies: readonly string[]
  /** How often connections were broken, and memcached restarted. */
  readonly broken: number
}

const processes = 4
const workers = 8
const hotSessions = 200
const secret = 'a secret that only the history checker uses'

/** Operations of one round: its own sessions, its own processes, its own history. */
const roundOps = 50_000

/** Runs rounds of operations against a real memcached, and checks the history of each. */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const { ops, seed = 1, chaos = false } = options
  const memcached = await startMemcached({ trace: false, args: ['-m', '256'] })
  const proxy = chaos ? await startChaosProxy(memcached.port, createPrng(seed)) : null
  const results: HistoryResult[] = []
  try {
    const size = chaos ? Math.min(roundOps, Math.ceil(ops / 4)) : Math.min(roundOps, ops)
    for (let done = 0; done < ops; done += size) {
      const round = { ...options, ops: size, seed: seed + done }
      const isWiped = chaos && results.length % 4 === 2
      results.push(await runRound(round, memcached, proxy, isWiped))
    }
  } finally {
    proxy?.close()
    await memcached.kill()
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
  memcached: MemcachedProcess,
  proxy: ChaosProxy | null,
  isWiped: boolean,
): Promise<HistoryResult> {
  const { ops, seed = 1, mortality = 0.01, fault = null } = options
  const before = brokenBy(proxy)
  const cookies = await createHotSessions(memcached.address)
  const task = (process: number): Task => ({
    address: proxy?.address ?? memcached.address,
    secret,
    cookies,
    process,
    workers,
    ops: Math.ceil(ops / processes / workers),
    seed,
    deadline: proxy === null ? 10_000 : 250,
    mortality,
    fault,
  })
  proxy?.start()
  const wipes: number[] = []
  const wiping = isWiped ? wipe(memcached, wipes) : null
  const done = await Promise.all(Array.from({ length: processes }, (_, at) => runWorker(task(at))))
  await proxy?.stop()
  await wiping
  const history = done.flat()
  history.push(...(await readAll(memcached.address, cookies, history)))
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

async function wipe(memcached: MemcachedProcess, wipes: number[]): Promise<void> {
  await sleep(1500)
  wipes.push(clock())
  await memcached.restart()
}

function connect(address: string) {
  const store = memcachedStore({ servers: address, deadline: 10_000 })
  const sessions = createSessions<Record<string, unknown>>({
    store,
    secrets: [secret],
    merge: { count: sum },
    lifetime: { anonymous: 3600 },
  })
  return { sessions, close: () => store.close() }
}

async function createHotSessions(address: string): Promise<string[]> {
  const { sessions, close } = connect(address)
  const cookies = await Promise.all(
    Array.from({ length: hotSessions }, async (_, session) => {
      const {
        session: { data },
        commit,
      } = await sessions.open('')
      for (const key of historyKeys) data[key] = initialValue(session, key)
      data['count'] = 0
      const { cookie } = await commit()
      if (cookie === null) throw new Error('no session could be created')
      return `${cookie.name}=${cookie.value}`
    }),
  )
  close()
  return cookies
}

async function runWorker(task: Task): Promise<HistoryOp[]> {
  const file = fileURLToPath(new URL('history-worker.ts', import.meta.url))
  const child = spawn(process.execPath, ['--max-semi-space-size=32', file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(task))
  const said = await text(child.stdout)
  return said
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HistoryOp)
}

/** Reads every session once more, under its first cookie and under the one that a renew gave it. */
async function readAll(
  address: string,
  cookies: readonly string[],
  history: readonly HistoryOp[],
): Promise<HistoryOp[]> {
  const { sessions, close } = connect(address)
  const read = async (session: number, cookie: string, renewed: boolean): Promise<HistoryOp> => {
    const openStart = clock()
    const opened = await sessions.open(cookie)
    const openEnd = clock()
    const { data, state } = opened.session
    const seen = Object.fromEntries(
      historyKeys.flatMap((key) => (key in data ? [[key, data[key] as string]] : [])),
    )
    return {
      session,
      openStart,
      openEnd,
      state,
      seen,
      count: (data['count'] as number | undefined) ?? 0,
      commitStart: openEnd,
      commitEnd: openEnd,
      intent: 'read',
      key: '',
      value: '',
      outcome: 'unchanged',
      cookie: null,
      renewed,
    }
  }
  const renewals = history.filter(({ outcome }) => outcome === 'renewed')
  const all = await Promise.all([
    ...cookies.map((cookie, session) => read(session, cookie, false)),
    ...renewals.map(({ session, cookie }) => read(session, cookie as string, true)),
  ])
  close()
  return all
}

function countOutcomes(history: readonly HistoryOp[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome, state } of history) {
    const name = state === 'unavailable' ? 'unavailable at open' : outcome
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
