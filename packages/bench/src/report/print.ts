import type { Figure } from '../measure/rounds.ts'
import { median } from '../measure/statistics.ts'
import { keyOf } from '../work.ts'
import { goalsOf } from './goals.ts'
import type { KnownContender, Run } from './results.ts'

/** A table for the terminal, with one row per contender and point. */
export function printFigures(
  figures: readonly Figure[],
  contenders: readonly KnownContender[],
): string {
  const lines: string[] = []
  for (const key of new Set(figures.map(({ point }) => keyOf(point)))) {
    lines.push('', key, row('', 'wall', 'above', 'cpu', 'above', 'least cpu', 'heap B', 'above'))
    const here = figures.filter(({ point }) => keyOf(point) === key)
    for (const figure of here) {
      const floorName = contenders.find(({ name }) => name === figure.contender)?.floor
      const floor = here.find(({ contender }) => contender === floorName)
      const above = (of: (figure: Figure) => number) =>
        floor ? of(figure) - of(floor) : Number.NaN
      lines.push(
        row(
          figure.contender,
          ...[wallOf, cpuOf].flatMap((of) =>
            [of(figure), above(of)].map((value) => value.toFixed(1)),
          ),
          Math.min(...figure.samples.map(({ cpu }) => cpu)).toFixed(1),
          ...[heapOf(figure), above(heapOf)].map((value) => value.toFixed(0)),
        ),
      )
    }
  }
  return `${lines.join('\n')}\n`
}

const wallOf = ({ samples }: Figure) => median(samples.map(({ wall }) => wall))
const cpuOf = ({ samples }: Figure) => median(samples.map(({ cpu }) => cpu))
const heapOf = ({ allocated }: Figure) => allocated.heap

function row(name: string, ...cells: readonly string[]): string {
  const blank = (text: string) => (text === 'NaN' ? '' : text)
  return name.padEnd(36) + cells.map((cell) => blank(cell).padStart(11)).join('')
}

export function printGoals(run: Run, contenders: readonly KnownContender[]): string {
  const goals = goalsOf(run, contenders)
  if (goals.every(({ value }) => value === null)) return ''
  const lines = goals.map(({ figure, work, unit, bound, value, met, far, note }) => {
    const limit = bound === null ? '' : `${bound.toFixed(2)} ${unit}`
    const found = value === null ? '' : `${value.toFixed(2)} ${unit}`
    const said = value === null ? 'not measured' : met === null ? '' : met ? 'met' : 'NOT MET'
    const distance = far === null ? '' : `${far.toFixed(2)} × the goal`
    return goalRow(figure, work, limit, found, said, distance, note)
  })
  const bounded = goals.filter(({ met }) => met !== null)
  const met = bounded.filter((goal) => goal.met).length
  const head = goalRow('Node ' + run.node, 'work', 'goal', 'measured', '', 'how far', '')
  return `\n${[head, ...lines].join('\n')}\n${met} of ${bounded.length} goals are met.\n`
}

function goalRow(figure: string, work: string, ...cells: readonly string[]): string {
  const [goal = '', measured = '', said = '', far = '', note = ''] = cells
  return `${figure.padEnd(46)}${work.padEnd(19)}${goal.padStart(9)}${measured.padStart(11)}  ${said.padEnd(13)}${far.padEnd(18)}${note}`.trimEnd()
}
