import { openFindings } from './findings.ts'
import { checkLaws } from './laws.ts'
import type { Semantics } from './fake-memcached.ts'
import { memcachedSemantics } from './fake-memcached.ts'
import type { Run } from './run.ts'
import { runWorld } from './world.ts'

/** A run that broke a law. Its seed reproduces it. */
export interface Broken {
  readonly seed: number
  readonly law: string
}

export interface Explored {
  readonly schedules: number
  readonly steps: number
  readonly outcomes: Readonly<Record<string, number>>
  readonly broken: readonly Broken[]
  /** How often each open finding was encountered. */
  readonly known: Readonly<Record<string, number>>
}

export interface ExploreOptions {
  readonly from: number
  readonly count: number
  readonly semantics?: Semantics
  /** Laws that are not checked. */
  readonly except?: RegExp
  /** Stops after this many broken runs. */
  readonly most?: number
}

/** Unhandled rejections, for example of an event listener. They would end the process. */
const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

async function judge(seed: number, semantics: Semantics): Promise<Run> {
  const run = await runWorld(seed, semantics, () => {})
  await checkLaws(run)
  // Node reports such rejections when it is otherwise idle.
  await new Promise(setImmediate)
  const [reason] = unhandled.splice(0)
  if (reason !== undefined) throw new Error(`a rejection would end the process: ${String(reason)}`)
  return run
}

/** Runs and checks `count` seeds one after another. */
export async function explore(options: ExploreOptions): Promise<Explored> {
  const { from, count, semantics = memcachedSemantics, most = 1, except } = options
  const outcomes: Record<string, number> = {}
  const known = Object.fromEntries(openFindings.map(({ name }) => [name, 0]))
  const broken: Broken[] = []
  let steps = 0
  let schedules = 0
  while (schedules < count && broken.length < most) {
    const seed = from + schedules++
    try {
      const run = await judge(seed, semantics)
      steps += run.schedule.step()
      for (const { outcome } of run.requests) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    } catch (error) {
      const law = (error as Error).message
      if (except?.test(law)) continue
      const finding = openFindings.find((open) => open.law.test(law))
      if (finding === undefined) broken.push({ seed, law })
      else known[finding.name] = (known[finding.name] as number) + 1
    }
  }
  return { schedules, steps, outcomes, broken, known }
}

/** Runs one seed again and logs every step. */
export async function replay(seed: number, semantics = memcachedSemantics): Promise<string> {
  const lines: string[] = []
  try {
    const run = await runWorld(seed, semantics, (line) => lines.push(line))
    lines.push(JSON.stringify(run.plan, (_, value) => (value instanceof Set ? [...value] : value)))
    await checkLaws(run)
    lines.push('all laws hold')
  } catch (error) {
    lines.push(`broken: ${(error as Error).stack ?? String(error)}`)
  }
  return lines.join('\n')
}
