/**
 * Measures how many requests per second Coatcheck answers with its sessions in memcached, sends half as many for the
 * given time, and reports whether memory or the slowest responses grow.
 *
 *   node --expose-gc packages/bench/src/soak.ts [--minutes 20] [--sessions 10000] [--out packages/bench/results/soak.json]
 *
 * Of ten requests, seven read and three change. Everything except memcached runs in this process. Run it on an idle
 * machine. The result is one JSON object.
 */
import { writeFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startMemcached } from '@coatcheck/harness/memcached'
import { memcachedStore } from '@coatcheck/memcached'
import { drive, makeVisitors } from './drive/drive.ts'
import { growthSite } from './growth/application.ts'
import { trendOf } from './measure/trend.ts'
import type { Interval } from './measure/trend.ts'
import { currentCommit, currentLoad, thisMachine } from './report/machine.ts'
import { standardSize } from './work.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    sessions: { type: 'string', default: '10000' },
    out: { type: 'string' },
  },
})
const seconds = Number(values.minutes) * 60
const load = currentLoad()
const memcached = await startMemcached({ trace: false, args: ['-m', '256'] })
const store = memcachedStore({ servers: memcached.address, deadline: 10_000 })
const site = growthSite(store, () => standardSize)
const jars = await makeVisitors(site, Number(values.sessions), 64)

const limit = await findLimit()
const rate = limit / 2
const intervals: Interval[] = []
const every = Math.max(1, seconds / 60)
/** The maximum number of requests in flight. */
const most = 512
const { answered, failures } = await soak()
const result = {
  date: new Date().toISOString(),
  commit: currentCommit(),
  node: process.version,
  machine: thisMachine(load),
  minutes: Number(values.minutes),
  sessions: jars.length,
  limit: Math.round(limit),
  rate: Math.round(rate),
  rateReached: Math.round(answered / seconds),
  failures,
  ...trendOf(intervals),
  intervals,
}
const text = `${JSON.stringify(result, null, 1)}\n`
if (values.out === undefined) process.stdout.write(text)
else writeFileSync(values.out, text)
const { bytesPerHour, p99, p99Drift } = result
process.stderr.write(
  `${result.rateReached} of ${result.rate} requests a second for ${values.minutes} min, half of ${result.limit}: memory ` +
    `${(bytesPerHour / 2 ** 20).toFixed(2)} MiB an hour, p99 ${p99.toFixed(1)} ms, × ${p99Drift.toFixed(2)}, ${failures} failures\n`,
)
await memcached.kill()
process.exit(failures === 0 ? 0 : 1)

/** Requests per second, with 64 in flight. */
async function findLimit(): Promise<number> {
  let answered = 0
  const one = async (total: number) => {
    await drive(site, 'read', jars, total * 7, 64)
    await drive(site, 'change', jars, total * 3, 64)
    answered += total * 10
  }
  await one(2000)
  answered = 0
  const begun = performance.now()
  while (performance.now() - begun < 5000) await one(500)
  return (answered * 1000) / (performance.now() - begun)
}

/**
 * Sends at the given rate while at most `most` are in flight, so that a busy machine falls behind instead of being
 * overloaded. A response's time counts from when its request was due. Each interval ends with an answer to everything
 * it sent; the garbage collection and the measurement that follow belong to no interval.
 */
async function soak(): Promise<{ readonly answered: number; readonly failures: number }> {
  let sent = 0
  let answered = 0
  let failures = 0
  const times = createHistogram()
  const send = async (index: number, due: number) => {
    const route = index % 10 < 7 ? 'read' : 'change'
    const answer = await site.send(0, route, jars[index % jars.length]).catch(() => null)
    answered++
    if (answer?.status !== 200) failures++
    times.record(Math.max(1, Math.round((performance.now() - due) * 1e6)))
  }
  for (let at = every; at <= seconds; at += every) {
    const before = sent
    const begun = performance.now()
    for (let passed = 0; passed < every; passed = (performance.now() - begun) / 1000) {
      for (; sent < before + passed * rate && sent - answered < most; sent++) {
        void send(sent, begun + ((sent - before) * 1000) / rate)
      }
      await sleep(1)
    }
    while (answered < sent) await sleep(1)
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    intervals.push({
      at,
      memory: heapUsed + external,
      p50: times.percentile(50) / 1e6,
      p99: times.percentile(99) / 1e6,
    })
    times.reset()
  }
  return { answered, failures }
}
