import { expect, it } from 'vitest'
import { ours } from '../contenders/names.ts'
import type { Figure } from '../measure/rounds.ts'
import { goalPoints, keyOf } from '../work.ts'
import { claimOf } from './claim.ts'
import type { KnownContender, Results, Run } from './results.ts'

function figure(contender: string, key: string, wall: number): Figure {
  const point = goalPoints().find((one) => keyOf(one) === key)!
  const samples = [{ wall, cpu: wall }]
  return { contender, point, samples, allocated: { heap: 0, external: 0 } }
}

const peers = ['slow', 'slower', 'fast', 'slowest', 'slowest of all'] as const
const reads = { slow: 50, slower: 60, fast: 40, slowest: 70, 'slowest of all': 80 }

const contender = (name: string): KnownContender => ({
  name,
  store: 'memcached',
  floor: 'web',
  packages: [],
})

const race = (name: string, lost: number) =>
  ({ contender: name, processes: 2, confirmed: 100, lost, signedOut: 50, revived: 0 }) as const

const run: Run = {
  node: 'v24.21.0',
  figures: [
    figure(ours.sealed, 'read @64', 30),
    figure(ours.sealed, 'change @64', 45),
    ...peers.flatMap((name) => [
      figure(name, 'read @64', reads[name]),
      figure(name, 'change @64', reads[name] * 2),
    ]),
  ],
  traffic: [],
  connections: [],
  races: [race(ours.sealed, 0), ...peers.map((name) => race(name, 98))],
  outages: [],
  growth: [],
}

const results: Results = {
  date: '2026-11-26T12:00:00.000Z',
  commit: 'abc1234',
  command: '',
  machine: { processor: 'P', cores: 2, gigabytes: 24, system: 'Linux 6', load: [0, 1] },
  servers: {},
  packages: {},
  rounds: 1,
  processes: 1,
  sample: 1,
  contenders: [ours.sealed, ...peers].map(contender),
  runs: [run],
}

it('compares with the fastest peer, and shows the four fastest', () => {
  const claim = claimOf(results, 'there/')
  const text = claim.replaceAll('\n', ' ')
  expect(text).toContain('takes 0.75 times as long as the fastest other library')
  expect(text).toContain('(fast), and 0.56 times for one that changes (fast)')
  expect(claim).toContain(`| **${ours.sealed}** | 30 | 45 | yes | 0 of 100 |`)
  const shown = [...claim.matchAll(/^\| ((?:slow|fast)[^|]*) \| \d/gm)].map((match) => match[1])
  expect(shown).toEqual(['fast', 'slow', 'slower', 'slowest'])
  expect(text).toContain('0 of 2 [goals](there/requests.md#the-goals) are met')
  for (const line of claim.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

it('is not made of a run without what it speaks of', () => {
  expect(() => claimOf({ ...results, runs: [] }, '')).toThrow('The results have no run')
  expect(() => claimOf({ ...results, contenders: [contender(ours.sealed)] }, '')).toThrow(
    'The results have no peer for read @64',
  )
})
