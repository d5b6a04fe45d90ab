import { parseArgs } from 'node:util'

/** The parts of a run. */
export type Part = 'time' | 'traffic' | 'races' | 'outages' | 'growth'

const allParts: readonly Part[] = ['time', 'traffic', 'races', 'outages', 'growth']

export interface Flags {
  /** A few minutes instead of hours. */
  readonly quick: boolean
  /** Only the work used in the goals. */
  readonly goals: boolean
  /** Substrings of contenders' names; empty: all. */
  readonly only: readonly string[]
  /** Substrings of titles of work, including the number in flight; empty: all. */
  readonly work: readonly string[]
  readonly parts: readonly Part[]
  readonly rounds: number
  /** The number of times that every contender gets a new process. */
  readonly processes: number
  /** Milliseconds of one sample. */
  readonly sample: number
  /** Versions of Node; empty: the one that runs this. */
  readonly node: readonly string[]
  /** The folder for results; null: the default. */
  readonly out: string | null
  /** Whether every goal is measured, so that the results can be published. */
  readonly isWhole: boolean
}

export const usage = `node packages/bench/src/bench.ts [options]

Without options: everything, on Node 24 and 26, about an hour each; results go to packages/bench/results.
A part of it (--quick, --only, --work, --parts) goes to packages/bench/.cache/results.

  --goals          what the goals speak of, traffic, races and growth, on the Node that runs this: about a quarter of an
                   hour; results go to packages/bench/results as well
  --quick          minutes instead of hours: less work, fewer rounds
  --only TEXT      contenders whose name has this in it; repeat it for more
  --work TEXT      work whose title has this in it, such as "read @64"; repeat it for more
  --parts LIST     of ${allParts.join(',')}
  --rounds N       rounds in which every contender takes its turn (9; goals: 8; quick: 3)
  --processes N    how often every contender gets a new process (3; goals: 2; quick: 1)
  --sample MS      milliseconds of one sample (150; quick: 60)
  --node 24,26     versions of Node
  --out FOLDER     where results go
  --help
`

/** Throws for unknown flags. Null: help was requested. */
export function readFlags(args: readonly string[]): Flags | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      goals: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      work: { type: 'string', multiple: true, default: [] },
      parts: { type: 'string' },
      rounds: { type: 'string' },
      processes: { type: 'string' },
      sample: { type: 'string' },
      node: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const { quick, goals, only, work } = values
  const isNarrow = only.length > 0 || work.length > 0
  const isWhole = !quick && !isNarrow && values.parts === undefined
  const parts = values.parts?.split(',').map(readPart)
  return {
    quick,
    goals,
    only,
    work,
    parts: parts ?? (isNarrow ? ['time'] : quick ? ['time', 'traffic', 'races'] : partsOf(goals)),
    rounds: count('rounds', values.rounds ?? (quick ? '3' : goals ? '8' : '9')),
    processes: count('processes', values.processes ?? (quick ? '1' : goals ? '2' : '3')),
    sample: count('sample', values.sample ?? (quick ? '60' : '150')),
    node: values.node?.split(',') ?? (isWhole && !goals ? ['24', '26'] : []),
    out: values.out ?? null,
    isWhole,
  }
}

const partsOf = (goals: boolean): readonly Part[] =>
  goals ? ['time', 'traffic', 'races', 'growth'] : allParts

function readPart(text: string): Part {
  const part = allParts.find((one) => one === text)
  if (part === undefined) throw new Error(`--parts takes ${allParts.join(', ')}, not ${text}`)
  return part
}

function count(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number`)
  return value
}

/** Whether a name contains one of these parts; true if there are none. */
export function chosen(name: string, parts: readonly string[]): boolean {
  return parts.length === 0 || parts.some((part) => name.includes(part))
}
