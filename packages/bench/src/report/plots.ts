import { isOurs } from '../contenders/names.ts'
import { Comparison } from './compare.ts'
import type { KnownContender, Results, Run } from './results.ts'

/** A group of horizontal bars, one per series. */
export interface Bars {
  readonly label: string
  readonly isOurs: boolean
  /** Null: not measured. */
  readonly values: readonly (number | null)[]
}

export interface Chart {
  readonly title: string
  readonly subtitle: string
  readonly series: readonly string[]
  readonly groups: readonly Bars[]
  readonly digits: number
}

export interface Plot {
  readonly file: string
  readonly svg: string
}

/** The plots of the first run. */
export function makePlots(results: Results): readonly Plot[] {
  const [run] = results.runs
  if (run === undefined || run.figures.length === 0) return []
  const all = new Comparison(run.figures, results.contenders)
  const on = `Node ${run.node.slice(1)}, ${results.date.slice(0, 10)}`
  const compared = results.contenders.filter(({ floor }) => floor !== null)
  const chart = (
    file: string,
    title: string,
    subtitle: string,
    keys: readonly string[],
    contenders: readonly KnownContender[],
    valueOf: (name: string, key: string) => number | null,
    digits: number,
  ): Plot[] => {
    const groups = contenders
      .map(({ name }) => ({
        label: name,
        isOurs: isOurs(name),
        values: keys.map((key) => valueOf(name, key)),
      }))
      .filter(({ values }) => values.some((value) => value !== null))
      .sort((left, right) => (left.values[0] ?? 0) - (right.values[0] ?? 0))
    if (groups.length === 0) return []
    return [
      {
        file,
        svg: drawBars({ title, subtitle: `${subtitle}. ${on}`, series: keys, groups, digits }),
      },
    ]
  }
  const wall = (name: string, key: string) => all.value(name, key, 'wall')
  const remote = compared.filter(({ store }) => store === 'memcached' || store === 'redis')
  return [
    ...chart(
      'requests-memcached.svg',
      'A request with its session in memcached or Redis',
      'Microseconds, 64 in flight, 200 B',
      ['read @64', 'change @64'],
      remote,
      wall,
      0,
    ),
    ...chart(
      'requests-memory.svg',
      'What a session in memory costs',
      'Processor microseconds a request above the same server without a session, 64 in flight',
      ['read @64', 'change @64'],
      compared.filter(({ store }) => store === 'memory'),
      (name, key) => all.above(name, key, 'cpu'),
      0,
    ),
    ...chart(
      'requests-size.svg',
      'One small key of a session changed',
      'Microseconds, 64 in flight, by the size of the session',
      ['change @64', 'change, 4 KB @64', 'change, 32 KB @64'],
      remote,
      wall,
      0,
    ),
    ...chart(
      'requests-allocation.svg',
      'Bytes allocated for a request',
      'On the heap, above the same server without a session, 64 in flight',
      ['read @64', 'change @64'],
      compared,
      (name, key) => all.heapAbove(name, key),
      0,
    ),
    ...racePlot(run, on),
  ]
}

function racePlot({ races }: Run, on: string): Plot[] {
  if (races.length === 0) return []
  const percent = (part: number, whole: number) => (whole === 0 ? null : (100 * part) / whole)
  const groups = races
    .map((race) => ({
      label: `${race.contender}, ${race.processes === 1 ? 'one process' : 'two processes'}`,
      isOurs: isOurs(race.contender),
      values: [percent(race.lost, race.confirmed), percent(race.revived, race.signedOut)],
    }))
    .sort((left, right) => (left.values[0] ?? 0) - (right.values[0] ?? 0))
  const svg = drawBars({
    title: 'Confirmed, and then undone',
    subtitle: `Percent: changes of 50 requests at once that are lost, sign-outs that a slow request revives. ${on}`,
    series: ['changes lost', 'sign-outs revived'],
    groups,
    digits: 0,
  })
  return [{ file: 'requests-races.svg', svg }]
}

const width = 860
const labelWidth = 270
const barHeight = 11
const gap = 9
const top = 74

/** Horizontal bars from zero, in colours that work on white and on black. */
export function drawBars({ title, subtitle, series, groups, digits }: Chart): string {
  const most = Math.max(...groups.flatMap(({ values }) => values.map((value) => value ?? 0)), 1e-9)
  const room = width - labelWidth - 70
  const groupHeight = barHeight * series.length + gap
  const height = top + groups.length * groupHeight + 10
  const legend = series.map((name, index) => {
    const x = labelWidth + index * 190
    return (
      `<rect class="s${index}" x="${x}" y="52" width="10" height="10"/>` +
      `<text x="${x + 15}" y="61">${escape(name)}</text>`
    )
  })
  const rows = groups.map(({ label, isOurs, values }, row) => {
    const y = top + row * groupHeight
    const middle = y + (barHeight * series.length) / 2 + 4
    const bars = values.map((value, index) => {
      const at = y + index * barHeight
      if (value === null) return ''
      const length = Math.max(1, (Math.max(0, value) / most) * room)
      return (
        `<rect class="s${index}" x="${labelWidth}" y="${at}" width="${length.toFixed(1)}" height="${barHeight - 1}"/>` +
        `<text class="v" x="${(labelWidth + length + 5).toFixed(1)}" y="${at + 9}">${value.toFixed(digits)}</text>`
      )
    })
    const weight = isOurs ? ' class="o"' : ''
    return `<text${weight} x="${labelWidth - 8}" y="${middle}" text-anchor="end">${escape(label)}</text>${bars.join('')}`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${style}</style>`,
    `<text class="t" x="8" y="22">${escape(title)}</text>`,
    `<text class="v" x="8" y="40">${escape(subtitle)}</text>`,
    ...legend,
    ...rows,
    '</svg>',
    '',
  ].join('\n')
}

const style =
  'text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-size:16px;font-weight:600}.v{font-size:11px;fill:#57606a}' +
  '.o{font-weight:700}.s0{fill:#2f6fdb}.s1{fill:#d9822b}.s2{fill:#5a9e4b}' +
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.v{fill:#9198a1}}'

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
