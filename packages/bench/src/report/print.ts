import type { Figure } from '../measure/rounds.ts'
import { median } from '../measure/statistics.ts'
import { keyOf } from '../work.ts'
import { goalsOf } from './goals.ts'
import type { KnownContender, Run } from './results.ts'

/** A table for the terminal: one row for each contender and point. */
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
  const lines = goalsOf(run, contenders)
    .filter(({ value }) => value !== null)
    .map(({ figure, work, unit, bound, value, met }) => {
      const limit = bound === null ? '' : `at most ${bound.toFixed(2)}`
      const said = met === null ? '' : met ? 'met' : 'NOT MET'
      return `${figure.padEnd(48)}${work.padEnd(20)}${value!.toFixed(2).padStart(10)} ${unit.padEnd(3)}${limit.padEnd(16)}${said}`
    })
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`
}
