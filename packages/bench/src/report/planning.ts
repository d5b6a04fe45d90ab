import { ours } from '../contenders/names.ts'
import type { GrowthFigure } from '../growth/task.ts'
import { Comparison } from './compare.ts'
import type { Results, Run, Soak } from './results.ts'

/** The fraction of memcached's memory filled with sessions; the rest is reserved for peak hours. */
const filled = 0.7
/** Gigabytes (2^30 bytes) of memory for sessions per server. */
const serverGigabytes = 32
/** The fraction of a core's time spent on sessions and their requests. */
const busy = 0.5
/** Requests per visitor and hour, and how many of ten change the session. */
const perHour = 60
const changesInTen = 3

const audiences = [10_000_000, 1_000_000_000]

/**
 * The planning page: measured figures, and calculations based on stated assumptions. `null`: growth was not measured.
 */
export function writePlanning(results: Results, soak: Soak | null): string | null {
  const run = results.runs.find(({ growth }) => growth.length > 0)
  return run === undefined ? null : pageOf(results, run, soak)
}

function pageOf(results: Results, run: Run, soak: Soak | null): string {
  const capacities = run.growth.filter(({ kind }) => kind === 'capacity')
  return [
    '# Planning',
    '',
    `Written by \`node packages/bench/src/publish.ts\` from [the results](results/requests.md) of ` +
      `${results.date.slice(0, 10)}: Node ${run.node.slice(1)}, ${results.machine.cores} × ` +
      `${results.machine.processor}, memcached ${results.servers['memcached']}. Measured figures belong to that ` +
      'machine; the arithmetic is stated, so that you can put in your own.',
    '',
    '## Memory',
    '',
    'A memcached was filled with sealed sessions until it evicted the first one. A gigabyte is 2^30 bytes of `-m`.',
    '',
    '| data as JSON | sealed record | sessions per GB | memory for one session |',
    '|---|---|---|---|',
    ...capacities.map(capacityRow),
    '',
    'The key, the header of the item and what the slab class leaves unused are in the last column.',
    '',
    ...coreLines(results, run),
    ...serverLines(capacities),
    ...growthLines(run),
    ...(soak === null ? [] : soakLines(soak)),
  ].join('\n')
}

function capacityRow({ at, bytes, perGigabyte }: GrowthFigure): string {
  const each = 2 ** 30 / perGigabyte!
  return `| ${at} B | ${bytes} B | ${millions(perGigabyte!)} | ${each.toFixed(0)} B |`
}

function coreLines(results: Results, { figures }: Run): string[] {
  const all = new Comparison(figures, results.contenders)
  const read = all.value(ours.sealed, 'read @64', 'cpu')
  const change = all.value(ours.sealed, 'change @64', 'cpu')
  if (read === null || change === null) return []
  const mixed = (read * (10 - changesInTen) + change * changesInTen) / 10
  const rate = (busy * 1e6) / mixed
  return [
    '## Processor',
    '',
    `A request that reads its session takes ${read.toFixed(0)} µs of a core, one that changes it ${change.toFixed(0)} µs, ` +
      'with its Request and Response, 64 in flight (200 B, sealed, memcached). HTTP and your own code come on top.',
    '',
    `If ${changesInTen} of 10 requests change the session: (${10 - changesInTen} × ${read.toFixed(0)} + ` +
      `${changesInTen} × ${change.toFixed(0)}) / 10 = ${mixed.toFixed(0)} µs. A core that spends half of its time on it ` +
      `answers ${busy} × 1,000,000 / ${mixed.toFixed(0)} = ${count(rate)} requests a second, which is ` +
      `${count((rate * 3600) / perHour)} visitors with ${perHour} requests an hour.`,
    '',
  ]
}

function serverLines(capacities: readonly GrowthFigure[]): string[] {
  const small = capacities[0]?.perGigabyte
  if (small == null) return []
  const perServer = small * serverGigabytes * filled
  const row = (audience: number) => {
    const servers = Math.max(2, Math.ceil(audience / perServer))
    const commands = (audience * perHour * (1 + changesInTen / 10)) / 3600
    const share = (100 / servers).toFixed(servers > 9 ? 1 : 0)
    return (
      `| ${millions(audience)} | ${count(audience / small / filled)} GB | ${servers} | ` +
      `${count(commands / servers)} | ${share} % of visitors, ${count(audience / servers)} |`
    )
  }
  return [
    '## Servers',
    '',
    `Sessions of 200 B, ${filled * 100} % of the memory filled, ${serverGigabytes} GB of sessions on a server: ` +
      `${millions(small)} × ${serverGigabytes} × ${filled} = ${millions(perServer)} sessions on one. At least two, so that ` +
      `the loss of one is not that of all. Commands: ${perHour} requests an hour of each visitor, one command for a read ` +
      'and two for a change.',
    '',
    '| live sessions | memory | servers | commands a second on each | the loss of one server ends the sessions of |',
    '|---|---|---|---|---|',
    ...audiences.map(row),
    '',
    'Those visitors sign in again. There is no failover to another server: it could revive a session that was signed out. ' +
      'Where the commands on one server are more than its threads answer, take more servers with less memory each: ' +
      'that also makes the loss of one smaller.',
    '',
  ]
}

function growthLines({ growth }: Run): string[] {
  const titles = {
    size: 'bytes of data',
    sessions: 'sessions in the memory store',
    servers: 'memcached servers',
  } as const
  return [
    '## What grows',
    '',
    ...(Object.keys(titles) as (keyof typeof titles)[]).flatMap((kind) => [
      `| ${titles[kind]} | read, µs | change, µs |${kind === 'sessions' ? ' bytes of memory each |' : ''}`,
      `|---|---|---|${kind === 'sessions' ? '---|' : ''}`,
      ...growth
        .filter((figure) => figure.kind === kind)
        .map(({ at, read, change, bytes }) => {
          const memory = kind === 'sessions' ? ` ${bytes?.toFixed(0) ?? ''} |` : ''
          return `| ${count(at)} | ${read?.cpu.toFixed(0)} | ${change?.cpu.toFixed(0)} |${memory}`
        }),
      '',
    ]),
    'Microseconds of processor time of this process for one request that reads or changes one small key. From 64 KB on ' +
      'most of it is copying to and from the socket.',
    '',
  ]
}

function soakLines(soak: Soak): string[] {
  const memory = soak.intervals.map((interval) => interval.memory / 2 ** 20)
  const [first, last] = [memory[Math.ceil(memory.length / 10)]!, memory.at(-1)!]
  return [
    '## A long run',
    '',
    `Commit ${soak.commit}: \`node --expose-gc packages/bench/src/soak.ts --minutes ${soak.minutes}\`. ${count(soak.sessions)} ` +
      `sealed sessions on memcached, 7 of 10 requests read and 3 change, at half of the ${count(soak.limit)} requests a second ` +
      'that this process can answer, with the client in it.',
    '',
    `In ${soak.minutes} minutes ${count(soak.rateReached)} of ${count(soak.rate)} requests a second were answered, and ` +
      `${soak.failures} failed. Memory in use was ${first.toFixed(1)} MiB after a tenth of the time and ${last.toFixed(1)} MiB at the ` +
      `end; the line through all points gains ${(soak.bytesPerHour / 2 ** 20).toFixed(2)} MiB an hour. From when a ` +
      `request was due to its response, the median is ${soak.p50.toFixed(1)} ms and the p99 ${soak.p99.toFixed(0)} ms (the medians of ` +
      'the intervals). While garbage collection stops the process, no request is sent, and those that were due follow at ' +
      `once. The p99 of the last quarter was ${soak.p99Drift.toFixed(2)} × that of the first.`,
    '',
  ]
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US')

const millions = (value: number): string =>
  value < 1e6
    ? count(value)
    : `${(value / 1e6).toLocaleString('en-US', { maximumFractionDigits: 2 })} million`
