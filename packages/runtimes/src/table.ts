import type { Ended, Feature } from './case.ts'

/** What the suite found on one runtime. */
export interface Column {
  readonly name: string
  readonly version: string
  readonly ended: readonly Ended[]
}

/** A table of Markdown: features by runtimes, and how many cases have passed. */
export function tableOf(columns: readonly Column[]): string {
  const features = [...new Set(columns.flatMap(({ ended }) => ended.map(({ feature }) => feature)))]
  const rows = [
    ['', ...columns.map(({ name }) => name)],
    ['version', ...columns.map(({ version }) => version)],
    ...features.map((feature) => [feature, ...columns.map((column) => cellOf(column, feature))]),
    ['all', ...columns.map(({ ended }) => countOf(ended))],
  ]
  const [head, ...body] = rows.map(lineOf)
  return [head, lineOf(rows[0]!.map(() => '---')), ...body].join('\n')
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function cellOf({ ended }: Column, feature: Feature): string {
  const own = ended.filter((each) => each.feature === feature)
  return own.length === 0 ? 'no TCP' : countOf(own)
}

function countOf(ended: readonly Ended[]): string {
  const passed = ended.filter(({ error }) => error === null).length
  return passed === ended.length ? `${passed}` : `${passed} of ${ended.length}`
}
