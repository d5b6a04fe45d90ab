import { parseArgs } from 'node:util'

export interface Flags {
  /** A few minutes instead of an hour. */
  readonly quick: boolean
  /** Parts of contenders' names; empty: all. */
  readonly only: readonly string[]
  /** Parts of titles of work, with its number in flight; empty: all. */
  readonly work: readonly string[]
  readonly rounds: number
  /** How often every contender gets a new process. */
  readonly processes: number
  /** Milliseconds of one sample. */
  readonly sample: number
  /** Versions of Node. */
  readonly node: readonly string[]
  /** Whether results/ is written. */
  readonly write: boolean
}

export const usage = `node packages/bench/src/bench.ts [options]

  --quick            a few minutes: fewer kinds of work, fewer rounds
  --only TEXT        contenders whose name has this in it; repeat it for more
  --work TEXT        work whose title has this in it, such as "read @64"; repeat it for more
  --rounds N         rounds in which every contender takes its turn
  --processes N      new processes for every contender, so many times
  --sample MS        milliseconds of one sample
  --node 24,26       versions of Node; default: the one that runs this, with --full both
  --no-write         print only
`

/** Throws for what it does not know. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      work: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      processes: { type: 'string' },
      sample: { type: 'string' },
      node: { type: 'string' },
      'no-write': { type: 'boolean', default: false },
    },
  })
  const { quick, only, work } = values
  return {
    quick,
    only,
    work,
    rounds: count('rounds', values.rounds ?? (quick ? '3' : '9')),
    processes: count('processes', values.processes ?? (quick ? '1' : '3')),
    sample: count('sample', values.sample ?? (quick ? '60' : '150')),
    node: values.node === undefined ? [] : values.node.split(','),
    write: !values['no-write'],
  }
}

function count(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number`)
  return value
}

/** Whether a name has one of these in it; all names, if there are none. */
export function chosen(name: string, parts: readonly string[]): boolean {
  return parts.length === 0 || parts.some((part) => name.includes(part))
}
