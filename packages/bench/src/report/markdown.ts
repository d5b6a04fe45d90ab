import { isOurs, ours } from '../contenders/names.ts'
import { range } from '../measure/statistics.ts'
import { outageLimit } from '../prove/outages.ts'
import type { GrowthFigure } from '../growth/task.ts'
import type { OutageFigure } from '../prove/outages.ts'
import { keyOf } from '../work.ts'
import { Comparison } from './compare.ts'
import { goalsOf } from './goals.ts'
import type { Goal } from './goals.ts'
import type { KnownContender, Results, Run } from './results.ts'

/** The page of figures. `plots`: the names of image files next to it. */
export function writeMarkdown(results: Results, plots: readonly string[]): string {
  return [
    '# Whole requests, side by side',
    '',
    `Written by \`${results.command}\`. [What is compared, and how](../../../.github/decisions/029-the-bench.md).`,
    '',
    ...machineLines(results),
    '',
    ...plots.flatMap((plot) => [`![](${plot})`, '']),
    ...results.runs.flatMap((run) => runLines(run, results)),
    '## Versions',
    '',
    `Servers: ${versionList(results.servers)}`,
    '',
    `Packages: ${versionList(results.packages)}`,
    '',
  ].join('\n')
}

function machineLines({ machine, date, commit, rounds, processes, sample }: Results): string[] {
  const { processor, cores, gigabytes, system, load } = machine
  return [
    `${date.slice(0, 10)}, commit ${commit}. ${cores} × ${processor}, ${gigabytes} GB, ${system}. Client, contender and ` +
      `servers share the cores. Load before the run ${load[0].toFixed(1)}, at its end ${load[1].toFixed(1)}.`,
    '',
    `Medians of ${rounds} rounds of ${sample} ms (two samples in each for what the goals speak of), in ${processes} ` +
      'processes for each contender, one after the other; ' +
      'contenders take turns within a round, and ratios are of the same round. Microseconds for one request. ' +
      '`above`: above the same server without a session. Compare within a table: absolute figures belong to one ' +
      'machine on one day.',
  ]
}

function runLines(run: Run, results: Results): string[] {
  return [
    `## Node ${run.node}`,
    '',
    ...(run.figures.length > 0 ? [...goalLines(run, results), ...figureLines(run, results)] : []),
    ...trafficLines(run),
    ...raceLines(run),
    ...outageLines(run),
    ...growthLines(run),
  ]
}

function goalLines(run: Run, { contenders }: Results): string[] {
  const row = ({ figure, work, unit, bound, value, met, far, note }: Goal) => {
    const digits = unit === '×' ? 2 : unit === 'µs' ? 1 : 0
    const said = met === null ? (value === null ? 'not measured' : '') : met ? 'met' : '**not met**'
    const limit = bound === null ? '' : `at most ${bound.toFixed(digits)} ${unit}`
    const found = value === null ? '' : `${value.toFixed(digits)} ${unit}`
    const distance = far === null ? '' : `${far.toFixed(2)} ×`
    return `| ${figure} | ${work} | ${limit} | ${found} | ${said} | ${distance} | ${note} |`
  }
  return [
    '### The goals',
    '',
    'How far: what was found, divided by the goal. The commands alone: what the raw commands take on the same server, ' +
      'with the whole value each time.',
    '',
    '| figure | work | goal | found | | how far | |',
    '|---|---|---|---|---|---|---|',
    ...goalsOf(run, contenders).map(row),
    '',
  ]
}

const stores = ['none', 'memory', 'memcached', 'redis', 'cookie'] as const

function figureLines({ figures }: Run, { contenders }: Results): string[] {
  const all = new Comparison(figures, contenders)
  const keys = [...new Set(figures.map(({ point }) => keyOf(point)))]
  const sorted = stores.flatMap((store) => contenders.filter((one) => one.store === store))
  return keys.flatMap((key) => [
    `### ${titleOf(key)}`,
    '',
    '| | store | wall | least – most | above | CPU | above | heap bytes | above | × Coatcheck, sealed |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...sorted.flatMap((contender) => figureRow(all, contender, key)),
    '',
  ])
}

function figureRow(all: Comparison, { name, store, floor }: KnownContender, key: string): string[] {
  const figure = all.find(name, key)
  if (figure === null) return []
  const reference = store === 'memory' ? ours.memory : ours.sealed
  const ratio = floor === null ? null : all.ratio(name, reference, key, 'wall')
  const [least, most] = range(figure.samples.map(({ wall }) => wall))
  const cells = [
    isOurs(name) ? `**${name}**` : name,
    store === 'none' ? '' : store,
    micro(all.value(name, key, 'wall')),
    `${micro(least)} – ${micro(most)}`,
    micro(all.above(name, key, 'wall')),
    micro(all.value(name, key, 'cpu')),
    micro(all.above(name, key, 'cpu')),
    bytes(figure.allocated.heap),
    bytes(all.heapAbove(name, key)),
    ratio === null ? '' : ratio.toFixed(2) + (store === 'memory' ? ' (memory)' : ''),
  ]
  return [`| ${cells.join(' | ')} |`]
}

function trafficLines({ traffic, connections }: Run): string[] {
  if (traffic.length === 0) return []
  const work = [...new Set(traffic.map((one) => one.work))]
  const names = [...new Set(traffic.map(({ contender }) => contender))]
  const row = (name: string) => {
    const cells = work.map((one) => {
      const found = traffic.find((figure) => figure.contender === name && figure.work === one)
      if (found === undefined) return ''
      return `${round(found.commands)} / ${round(found.trips)} / ${round(found.sent + found.received)}`
    })
    const opened = connections.find(({ contender }) => contender === name)?.connections
    return `| ${name} | ${cells.join(' | ')} | ${opened ?? ''} |`
  }
  return [
    '### On the way to the store',
    '',
    'Commands / round trips / bytes both ways for one request, one in flight; connections after 640 requests, 64 in ' +
      'flight.',
    '',
    `| | ${work.join(' | ')} | connections |`,
    `|---|${work.map(() => '---|').join('')}---|`,
    ...names.map(row),
    '',
  ]
}

function raceLines({ races }: Run): string[] {
  if (races.length === 0) return []
  return [
    '### Lost updates and revived sign-outs',
    '',
    'Fifty requests of one visitor at once, each adding a key; fifty visitors who sign out while a request of theirs is ' +
      'under way, which then changes the session. Lost: confirmed with 200, and not there. Revived: the visitor’s old ' +
      'cookie, or the one that the slow answer brought, reads the session again. A library that keeps objects in memory ' +
      'and hands them out loses nothing in one process.',
    '',
    '| | processes | changes confirmed | lost | sign-outs confirmed | revived |',
    '|---|---|---|---|---|---|',
    ...races.map(
      ({ contender, processes, confirmed, lost, signedOut, revived }) =>
        `| ${contender} | ${processes} | ${confirmed} | ${lost} | ${signedOut} | ${revived} |`,
    ),
    '',
  ]
}

function outageLines({ outages }: Run): string[] {
  if (outages.length === 0) return []
  const routes = [...new Set(outages.map(({ route }) => route))]
  const rows = [...new Set(outages.map(({ contender, state }) => `${contender}\0${state}`))]
  const row = (id: string) => {
    const cells = routes.map((route) => {
      const found = outages.find(
        (one) => `${one.contender}\0${one.state}` === id && one.route === route,
      )
      return found === undefined ? '' : `${seen(found.first)} / ${seen(found.third)}`
    })
    return `| ${id.replace('\0', ' | ')} | ${cells.join(' | ')} |`
  }
  return [
    '### Store refused, store silent',
    '',
    'Status and milliseconds of the first and the third request after the store is gone; ' +
      `“none”: no answer within ${outageLimit} ms, or an exception that leaves the server. A 200 says “done”.`,
    '',
    `| | store | ${routes.join(' | ')} |`,
    `|---|---|${routes.map(() => '---|').join('')}`,
    ...rows.map(row),
    '',
  ]
}

function growthLines({ growth }: Run): string[] {
  if (growth.length === 0) return []
  const of = (work: GrowthFigure['read']) => micro(work?.cpu ?? null)
  return [
    '### What grows',
    '',
    'Microseconds of processor time for one request that reads or changes one small key of a sealed session: by the ' +
      'size of the session (bytes of JSON, on memcached), by the number of sessions in the memory store, by the number of ' +
      'memcached servers. Capacity: a memcached filled until it evicts. [What follows for planning](../PLANNING.md).',
    '',
    '| | | read | change | bytes each | per GB |',
    '|---|---|---|---|---|---|',
    ...growth.map(
      ({ kind, at, read, change, bytes: each, perGigabyte }) =>
        `| ${kind} | ${at} | ${of(read)} | ${of(change)} | ${bytes(each)} | ${bytes(perGigabyte)} |`,
    ),
    '',
  ]
}

function versionList(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(' · ')
}

function seen({ status, milliseconds }: OutageFigure['first']): string {
  if (status === -1) return 'process ended'
  return status === 0 ? 'none' : `${status} ${milliseconds.toFixed(0)} ms`
}

function titleOf(key: string): string {
  const [work, inFlight] = key.split(' @')
  return `${work}, ${inFlight} in flight`
}

const micro = (value: number | null): string => (value === null ? '' : value.toFixed(1))

const bytes = (value: number | null): string => (value === null ? '' : value.toFixed(0))

const round = (value: number): string => (Number.isInteger(value) ? `${value}` : value.toFixed(1))
