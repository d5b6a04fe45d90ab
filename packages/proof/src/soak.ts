/**
 * Sends requests to 50,000 sessions on its own memcached at a steady rate for the given time, and reports whether
 * anything grows.
 *
 *   node --expose-gc soak.ts [--seconds 1200] [--rate 500] [--sessions 50000] [--seed 1]
 *
 * Of the requests, 70 % read, 25 % write, 2 % renew, 1 % sign out and start anew, 2 % have no cookie.
 */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createSessions, sum } from '@coatcheck/core'
import { memcachedStore } from '@coatcheck/memcached'
import { startMemcached } from '@coatcheck/harness/memcached'
import { createPrng } from './prng.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1200' },
    rate: { type: 'string', default: '500' },
    sessions: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
  },
})
const seconds = Number(values.seconds)
const rate = Number(values.rate)
const prng = createPrng(Number(values.seed))
const memcached = await startMemcached({ trace: false, args: ['-m', '512'] })
const store = memcachedStore({ servers: memcached.address })
const sessions = createSessions<Record<string, unknown>>({
  store,
  secrets: ['a secret that only the soak test uses'],
  merge: { visits: sum },
  lifetime: { unused: 86_400, idle: 86_400 },
})
const outcomes: Record<string, number> = {}

/** The measurements of one interval. */
interface Sample {
  readonly at: number
  readonly heap: number
  readonly rss: number
  readonly handles: number
  readonly median: number
  readonly p99: number
}

/** Retries until the store answers. */
async function create(): Promise<string> {
  for (;;) {
    const { session, commit } = await sessions.open('')
    Object.assign(session.data, {
      visits: 0,
      name: 'a visitor',
      cart: { hat: 1 },
      text: 'x'.repeat(200),
    })
    const { cookie } = await commit()
    if (cookie !== null) return `${cookie.name}=${cookie.value}`
    await sleep(100)
  }
}

async function visit(cookies: string[]): Promise<void> {
  const at = prng.below(cookies.length)
  const dice = prng.below(100)
  const { session, commit } = await sessions.open(dice < 2 ? '' : cookies[at])
  if (dice === 2) session.destroy()
  else if (dice < 5) session.renew()
  else if (dice < 30)
    session.data['visits'] = ((session.data['visits'] as number | undefined) ?? 0) + 1
  else void session.data['visits']
  const { outcome, cookie } = await commit()
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  if (cookie !== null && dice >= 2) cookies[at] = `${cookie.name}=${cookie.value}`
  if (outcome === 'destroyed' || outcome === 'gone') cookies[at] = await create()
}

function measure(started: number, times: number[]): Sample {
  const host = globalThis as { gc?: () => void }
  host.gc?.()
  times.sort((left, right) => left - right)
  const { heapUsed, rss } = process.memoryUsage()
  return {
    at: (performance.now() - started) / 1000,
    heap: heapUsed / 2 ** 20,
    rss: rss / 2 ** 20,
    // All sockets and files, whether or not they keep the process alive.
    handles: readdirSync('/proc/self/fd').length,
    median: times[Math.floor(times.length / 2)] ?? 0,
    p99: times[Math.floor(times.length * 0.99)] ?? 0,
  }
}

/** The growth of `of` per hour, by least squares. */
function slope(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const mean = (pick: (sample: Sample) => number): number =>
    samples.reduce((total, sample) => total + pick(sample), 0) / samples.length
  const middle = mean(({ at }) => at)
  const level = mean(of)
  const over = samples.reduce(
    (total, sample) => total + (sample.at - middle) * (of(sample) - level),
    0,
  )
  const under = samples.reduce((total, { at }) => total + (at - middle) ** 2, 0)
  return under === 0 ? 0 : (over / under) * 3600
}

const cookies: string[] = []
while (cookies.length < Number(values.sessions)) {
  cookies.push(...(await Promise.all(Array.from({ length: 100 }, create))))
}
const samples: Sample[] = []
const started = performance.now()
let times: number[] = []
let sent = 0
let pending = 0
const interval = Math.max(5, seconds / 60) * 1000

while (performance.now() - started < seconds * 1000) {
  const elapsed = performance.now() - started
  for (; sent < (elapsed / 1000) * rate; sent++) {
    const begun = performance.now()
    pending++
    void visit(cookies).finally(() => {
      pending--
      times.push(performance.now() - begun)
    })
  }
  if (elapsed > (samples.length + 1) * interval) {
    samples.push(measure(started, times))
    times = []
  }
  await sleep(10)
}
while (pending > 0) await sleep(10)
store.close()
await memcached.kill()

// The first tenth is warm-up.
const warm = samples.slice(Math.ceil(samples.length / 10))
const round = (value: number): number => Math.round(value * 100) / 100
const half = Math.floor(warm.length / 2)
const p99Of = (part: readonly Sample[]): number =>
  round(part.map(({ p99 }) => p99).toSorted((left, right) => left - right)[part.length >> 1] ?? 0)
console.log(
  JSON.stringify({
    seconds,
    requests: sent,
    perSecond: round(sent / seconds),
    sessions: cookies.length,
    outcomes,
    heapMiB: [round(warm[0]?.heap ?? 0), round(warm.at(-1)?.heap ?? 0)],
    heapMiBPerHour: round(slope(warm, ({ heap }) => heap)),
    rssMiB: [round(warm[0]?.rss ?? 0), round(warm.at(-1)?.rss ?? 0)],
    handles: [warm[0]?.handles, warm.at(-1)?.handles],
    medianMs: round(warm.at(-1)?.median ?? 0),
    p99Ms: { firstHalf: p99Of(warm.slice(0, half)), secondHalf: p99Of(warm.slice(half)) },
  }),
)
