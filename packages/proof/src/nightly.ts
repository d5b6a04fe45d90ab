/**
 * Everything at full length: two million schedules, 50,000 of bound sessions, 500,000 of moves between two stores,
 * 500,000 operations on a real memcached and as many under chaos, both again on a real Valkey or Redis, five million
 * cookie headers, 1.5 million records. Exits with 1 if anything was found.
 *
 *   node nightly.ts [--scale 0.01] [--seed 20261123]
 *     [--only schedules,devices,moves,history,chaos,valkey,valkey-chaos,cookies,records]
 *
 * `scale` shortens all parts. `seed` is the first seed; it defaults to the date, so that every night explores something
 * new. `only` selects parts.
 */
import { parseArgs } from 'node:util'
import { runScript, twoAtATime } from './children.ts'
import type { Explored } from './explore.ts'
import type { Fuzzed } from './fuzz-watch.ts'
import { bound } from './fuzz-watch.ts'
import type { EngineName } from './history-engine.ts'
import type { HistoryResult } from './history-run.ts'
import type { MovingExplored } from './moving-main.ts'

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
})
const scale = Number(values.scale)
const day = Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''))
const seed = Number(values.seed ?? day)
const hour = 3_600_000
let isSound = true

const scaled = (count: number): number => Math.max(1, Math.ceil(count * scale))

/** Splits a count into pieces, so that two can run at once. */
function pieces(count: number, most: number): { readonly from: number; readonly count: number }[] {
  const all: { from: number; count: number }[] = []
  for (let from = 0; from < count; from += most)
    all.push({ from, count: Math.min(most, count - from) })
  return all
}

async function run<result>(script: string, ...args: (string | number)[]): Promise<result> {
  return JSON.parse(await runScript(script, args.map(String), hour)) as result
}

function report(what: string, started: number, found: readonly unknown[], more: string): void {
  const seconds = Math.round((performance.now() - started) / 1000)
  if (found.length > 0) isSound = false
  console.log(`${found.length === 0 ? 'sound' : 'FOUND'}  ${what}, ${seconds} s. ${more}`)
  for (const each of found.slice(0, 10)) console.log(`       ${JSON.stringify(each)}`)
}

async function exploreAll(): Promise<void> {
  const started = performance.now()
  const count = scaled(2_000_000)
  const found = await twoAtATime(pieces(count, 100_000), ({ from, count: size }) =>
    run<Explored>('explore-main.ts', '--from', seed * 100 + from, '--count', size, '--most', 5),
  )
  const steps = found.reduce((sum, one) => sum + one.steps, 0)
  report(
    `${count} schedules`,
    started,
    found.flatMap(({ broken }) => broken),
    `${steps} steps`,
  )
}

interface DeviceExplored {
  readonly broken: object | null
}

/** Schedules of bound sessions with a thief. */
async function exploreDevices(): Promise<void> {
  const started = performance.now()
  const count = scaled(50_000)
  const found = await twoAtATime(pieces(count, 5000), ({ from, count: size }) =>
    run<DeviceExplored>('device-main.ts', '--from', seed * 100 + from, '--count', size),
  )
  const broken = found.flatMap((one) => one.broken ?? [])
  report(`${count} schedules of bound sessions`, started, broken, '')
}

/** Schedules of processes that move sessions from one store to another. */
async function exploreMoves(): Promise<void> {
  const started = performance.now()
  const count = scaled(500_000)
  const found = await twoAtATime(pieces(count, 50_000), ({ from, count: size }) =>
    run<MovingExplored>('moving-main.ts', '--seed', seed * 100 + from, '--count', size),
  )
  report(
    `${count} schedules of moves`,
    started,
    found.flatMap((one) => one.found),
    '',
  )
}

async function checkHistory(engine: EngineName, ...chaos: readonly string[]): Promise<void> {
  const started = performance.now()
  const count = scaled(500_000)
  const result = await run<HistoryResult>(
    'history-main.ts',
    '--engine',
    engine,
    '--ops',
    count,
    '--seed',
    seed,
    ...chaos,
  )
  const what = `${result.ops} operations on ${engine}${chaos.length > 0 ? ' under chaos' : ''}`
  report(
    what,
    started,
    result.anomalies,
    `${result.broken} breaks; ${JSON.stringify(result.outcomes)}`,
  )
}

async function fuzzAll(what: string, total: number): Promise<void> {
  const started = performance.now()
  const count = scaled(total)
  const found = await twoAtATime(pieces(count, 250_000), ({ from, count: size }) =>
    run<Fuzzed>('fuzz-main.ts', '--what', what, '--count', size, '--seed', seed + from),
  )
  const slowest = Math.max(...found.map((one) => one.slowest))
  const memory = Math.max(...found.map((one) => one.memory))
  const slow = slowest > bound ? [`a call took ${slowest} ms`] : []
  const faults = [...found.flatMap((one) => one.faults), ...slow]
  report(
    `${count} ${what}`,
    started,
    faults,
    `slowest ${Math.round(slowest)} ms, ${Math.round(memory)} MiB`,
  )
}

const parts = {
  schedules: exploreAll,
  devices: exploreDevices,
  moves: exploreMoves,
  history: () => checkHistory('memcached'),
  chaos: () => checkHistory('memcached', '--chaos'),
  valkey: () => checkHistory('valkey'),
  'valkey-chaos': () => checkHistory('valkey', '--chaos'),
  cookies: () => fuzzAll('cookies', 5_000_000),
  records: () => fuzzAll('bytes', 1_500_000),
}
const names = Object.keys(parts) as (keyof typeof parts)[]
const only = values.only?.split(',') ?? names
if (only.some((name) => !(name in parts))) throw new Error(`the parts are ${names.join(', ')}`)

console.log(`nightly: seed ${seed}, scale ${scale}`)
for (const name of names) if (only.includes(name)) await parts[name]()
process.exitCode = isSound ? 0 : 1
