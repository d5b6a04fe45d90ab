import { describe, expect, it } from 'vitest'
import { fastifyMemory, ours, raw } from '../contenders/names.ts'
import type { Figure } from '../measure/rounds.ts'
import { fullPoints, keyOf } from '../work.ts'
import { Comparison } from './compare.ts'
import { goalsOf } from './goals.ts'
import { writeMarkdown } from './markdown.ts'
import { drawBars, makePlots } from './plots.ts'
import type { KnownContender, Results, Run } from './results.ts'

const contender = (
  name: string,
  store: KnownContender['store'],
  floor: string | null,
): KnownContender => ({ name, store, floor, packages: [] })

const contenders = [
  contender('web', 'none', null),
  contender('fastify', 'none', null),
  contender(raw, 'memcached', 'web'),
  contender(ours.memory, 'memory', 'web'),
  contender(ours.sealed, 'memcached', 'web'),
  contender(ours.unsealed, 'memcached', 'web'),
  contender(fastifyMemory, 'memory', 'fastify'),
  contender('slow peer', 'memcached', 'web'),
  contender('fast peer', 'redis', 'web'),
  contender('cookie peer', 'cookie', 'web'),
]

/** Microseconds of wall time; processor time is a tenth; the second round is ten times as slow. */
function figure(name: string, key: string, wall: number, heap = 1000): Figure {
  const point = fullPoints().find((one) => keyOf(one) === key)
  if (point === undefined) throw new Error(`There is no point ${key}`)
  const samples = [1, 10, 1].map((slow) => ({ wall: wall * slow, cpu: (wall * slow) / 10 }))
  return { contender: name, point, samples, allocated: { heap, external: 0 } }
}

const figures = [
  figure('web', 'read @64', 10),
  figure('fastify', 'read @64', 20),
  figure(raw, 'read @64', 11),
  figure(ours.sealed, 'read @64', 30, 5000),
  figure(ours.unsealed, 'read @64', 20),
  figure(ours.memory, 'read @64', 20),
  figure(fastifyMemory, 'read @64', 25),
  figure('slow peer', 'read @64', 100),
  figure('fast peer', 'read @64', 50),
  figure('cookie peer', 'read @64', 1),
  figure(raw, 'read @1', 40),
  figure(ours.sealed, 'read @1', 90),
  figure(ours.unsealed, 'read, 32 KB @64', 25),
]

const run: Run = {
  node: 'v24.21.0',
  figures,
  traffic: [
    { contender: ours.sealed, work: 'read', commands: 1, trips: 1, sent: 80, received: 270.5 },
  ],
  connections: [{ contender: ours.sealed, connections: 3 }],
  races: [
    { contender: '<peer>', processes: 2, confirmed: 1000, lost: 250, signedOut: 50, revived: 50 },
  ],
  outages: [
    {
      contender: ours.sealed,
      state: 'silent',
      route: 'change',
      first: { status: 200, milliseconds: 251.4 },
      third: { status: 0, milliseconds: 5000 },
    },
  ],
  growth: [
    {
      kind: 'size',
      at: 1024,
      read: { cpu: 30, wall: 31 },
      change: { cpu: 60, wall: 61 },
      bytes: null,
      perGigabyte: null,
    },
    { kind: 'capacity', at: 200, read: null, change: null, bytes: 316, perGigabyte: 2_000_000 },
  ],
}

const results: Results = {
  date: '2026-11-26T12:00:00.000Z',
  commit: 'abc1234',
  command: 'node packages/bench/src/bench.ts',
  machine: { processor: 'P', cores: 2, gigabytes: 24, system: 'Linux 6', load: [0.1, 1.9] },
  servers: { memcached: '1.6.18' },
  packages: { memcached: '2.2.2' },
  rounds: 3,
  processes: 1,
  sample: 10,
  contenders,
  runs: [run],
}

describe('Comparison', () => {
  const all = new Comparison(figures, contenders)

  it('takes medians, and compares round by round', () => {
    expect(all.value(ours.sealed, 'read @64', 'wall')).toBe(30)
    expect(all.ratio(ours.sealed, 'fast peer', 'read @64', 'wall')).toBeCloseTo(0.6)
    expect(all.above(ours.sealed, 'read @64', 'wall')).toBe(20)
    expect(all.heapAbove(ours.sealed, 'read @64')).toBe(4000)
  })

  it('is null where something was not measured', () => {
    expect(all.value(ours.sealed, 'change @64', 'wall')).toBeNull()
    expect(all.ratio(ours.sealed, 'no such library', 'read @64', 'wall')).toBeNull()
    expect(all.above('web', 'read @64', 'wall')).toBeNull()
  })

  it('takes no library of another kind for the best peer', () => {
    const wall = (name: string) => all.value(name, 'read @64', 'wall')
    expect(all.bestPeer(['memcached', 'redis'], 'read @64', wall)).toBe('fast peer')
    expect(all.bestPeer(['memcached'], 'read @64', wall)).toBe('slow peer')
    expect(all.bestPeer(['memcached'], 'change @64', wall)).toBeNull()
  })
})

describe('goalsOf', () => {
  const find = (of: Run, figure: string, work: string) =>
    goalsOf(of, contenders).find((goal) => goal.figure === figure && goal.work === work)

  it('says what is met and what is not', () => {
    expect(find(run, 'memcached, sealed, against the best peer', 'read @64')).toMatchObject({
      value: 0.6,
      bound: 0.5,
      met: false,
    })
    expect(find(run, 'memcached, sealed, against the best peer', 'read @64')).toMatchObject({
      far: 1.2,
      note: 'wall time; the best peer is fast peer; the commands alone: 0.22 ×',
    })
    expect(find(run, 'memory, against the best peer', 'read @64')).toMatchObject({
      value: 1,
      bound: 0.5,
      met: false,
    })
    expect(find(run, '32 KB against 200 B, unsealed', 'read, 32 KB @64')).toMatchObject({
      value: 1.25,
      met: true,
    })
    expect(find(run, 'alone, sealed, against the same commands', 'read @1')).toMatchObject({
      value: 2.25,
      met: false,
    })
  })

  it('states allocations without a bound', () => {
    expect(find(run, 'bytes allocated, sealed', 'read @64')).toMatchObject({
      value: 4000,
      bound: null,
      met: null,
    })
  })

  it('does not take what was not measured for met', () => {
    expect(find(run, 'memcached, sealed, against the best peer', 'change @64')).toMatchObject({
      value: null,
      met: null,
    })
  })

  it('asks more of sealing on Node 26', () => {
    const bound = (of: Run) => find(of, 'memcached, sealed against unsealed', 'read @64')?.bound
    expect(bound(run)).toBe(1.4)
    expect(bound({ ...run, node: 'v26.10.0' })).toBe(1.25)
  })
})

describe('writeMarkdown', () => {
  const page = writeMarkdown(results, ['one.svg'])

  it('has machine, versions, plots and every kind of table', () => {
    expect(page).toContain('2 × P, 24 GB, Linux 6')
    // A package may have the name of a server.
    expect(page).toContain('Servers: memcached 1.6.18\n\nPackages: memcached 2.2.2')
    expect(page).toContain('![](one.svg)')
    expect(page).toContain(`| **${ours.sealed}** | memcached | 30.0 | 30.0 – 300.0 | 20.0 |`)
    expect(page).toContain(`| ${ours.sealed} | 1 / 1 / 350.5 | 3 |`)
    expect(page).toContain('| <peer> | 2 | 1000 | 250 | 50 | 50 |')
    expect(page).toContain(`| ${ours.sealed} | silent | 200 251 ms / none |`)
    expect(page).toContain('**not met** | 1.20 ×')
    expect(page).toContain('| size | 1024 | 30.0 | 60.0 |  |  |')
    expect(page).toContain('| capacity | 200 |  |  | 316 | 2000000 |')
  })

  it('leaves out what was not part of the run', () => {
    const empty: Run = { ...run, figures: [], traffic: [], races: [], outages: [], growth: [] }
    const short = writeMarkdown({ ...results, runs: [empty] }, [])
    expect(short).not.toContain('###')
    expect(short).not.toContain('not met')
  })
})

describe('plots', () => {
  it('draws bars in proportion, and nothing for what was not measured', () => {
    const svg = drawBars({
      title: 'a < b & c',
      subtitle: '',
      series: ['s'],
      digits: 0,
      groups: [
        { label: 'half', isOurs: false, values: [50] },
        { label: 'whole', isOurs: true, values: [100] },
        { label: 'none', isOurs: false, values: [null] },
      ],
    })
    const widths = [
      ...svg.matchAll(/<rect class="s0" x="270" y="\d+" width="([\d.]+)" height="10"\/>/g),
    ]
      .map((match) => Number(match[1]))
      .slice(1)
    expect(svg).toContain('a &lt; b &amp; c')
    expect(widths).toHaveLength(2)
    expect(widths[1]! / widths[0]!).toBeCloseTo(2, 2)
  })

  it('are made of what was measured', () => {
    const files = makePlots(results).map(({ file }) => file)
    expect(files).toContain('requests-memcached.svg')
    expect(files).toContain('requests-races.svg')
    const races = makePlots(results).find(({ file }) => file === 'requests-races.svg')
    expect(races?.svg).toContain('&lt;peer&gt;, two processes')
    expect(races?.svg).toContain('>25</text>')
  })
})
