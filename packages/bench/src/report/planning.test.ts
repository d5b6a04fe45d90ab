import { expect, it } from 'vitest'
import { ours } from '../contenders/names.ts'
import type { Figure } from '../measure/rounds.ts'
import { goalPoints, keyOf } from '../work.ts'
import { writePlanning } from './planning.ts'
import type { Results, Run, Soak } from './results.ts'

function figure(key: string, cpu: number): Figure {
  const point = goalPoints().find((one) => keyOf(one) === key)!
  const samples = [{ wall: cpu, cpu }]
  return { contender: ours.sealed, point, samples, allocated: { heap: 0, external: 0 } }
}

const run: Run = {
  node: 'v24.21.0',
  figures: [figure('read @64', 40), figure('change @64', 90)],
  traffic: [],
  connections: [],
  races: [],
  outages: [],
  growth: [
    { kind: 'capacity', at: 200, read: null, change: null, bytes: 250, perGigabyte: 2_000_000 },
    {
      kind: 'sessions',
      at: 10_000,
      read: { cpu: 30, wall: 30 },
      change: { cpu: 50, wall: 50 },
      bytes: 700,
      perGigabyte: null,
    },
  ],
}

const results: Results = {
  date: '2026-11-26T12:00:00.000Z',
  commit: 'abc1234',
  command: '',
  machine: { processor: 'P', cores: 2, gigabytes: 24, system: 'Linux 6', load: [0, 1] },
  servers: { memcached: '1.6.18' },
  packages: { memcached: '2.2.2' },
  rounds: 1,
  processes: 1,
  sample: 1,
  contenders: [{ name: ours.sealed, store: 'memcached', floor: 'web', packages: [] }],
  runs: [run],
}

it('states what it multiplies, and comes to what that gives', () => {
  const page = writePlanning(results, null)
  expect(page).toContain('memcached 1.6.18.')
  expect(page).toContain('| 200 B | 250 B | 2 million | 537 B |')
  // (7 × 40 + 3 × 90) / 10 = 55; half a second of processor time / 55 µs.
  expect(page).toContain('= 55 µs')
  expect(page).toContain('= 9,091 requests a second, which is 545,455 visitors')
  // 2 million × 32 × 0.7 = 44.8 million on a server: two for 10 million, 23 for a billion.
  expect(page).toContain('= 44.8 million sessions on one')
  expect(page).toContain('| 10 million | 7 GB | 2 | 108,333 | 50 % of visitors, 5,000,000 |')
  expect(page).toContain(
    '| 1,000 million | 714 GB | 23 | 942,029 | 4.3 % of visitors, 43,478,261 |',
  )
  expect(page).toContain('| 10,000 | 30 | 50 | 700 |')
})

it('is not written from results without growth', () => {
  expect(writePlanning({ ...results, runs: [{ ...run, growth: [] }] }, null)).toBeNull()
})

it('states a long run, if there was one', () => {
  const intervals = [30, 31, 32].map((memory, at) => ({
    at,
    memory: memory * 2 ** 20,
    p50: 2,
    p99: 31,
  }))
  const soak: Soak = {
    date: results.date,
    commit: 'abc1234',
    minutes: 20,
    sessions: 10_000,
    limit: 20_000,
    rate: 10_000,
    rateReached: 9_999,
    failures: 0,
    bytesPerHour: 3 * 2 ** 20,
    p50: 2,
    p99: 31,
    p99Drift: 1.05,
    intervals,
  }
  const page = writePlanning(results, soak)
  expect(page).toContain('at half of the 20,000 requests a second')
  expect(page).toContain('9,999 of 10,000 requests a second were answered, and 0 failed')
  expect(page).toContain('was 31.0 MiB after a tenth of the time and 32.0 MiB at the end')
  expect(page).toContain('3.00 MiB an hour')
  expect(page).toContain('the median is 2.0 ms and the p99 31 ms')
  expect(page).toContain('was 1.05 × that of the first')
  expect(writePlanning(results, null)).not.toContain('long run')
})
