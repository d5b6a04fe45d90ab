import type { Ports } from '../child.ts'
import type { Listed } from '../contenders/list.ts'
import type { Flags } from '../flags.ts'
import { goalPoints, keyOf, manyVisitors } from '../work.ts'
import type { Point, Work } from '../work.ts'
import { startWorker } from '../worker.ts'
import type { Worker } from '../worker.ts'
import type { InUse } from './allocation.ts'
import type { Sample } from './measure.ts'

export interface Figure {
  readonly contender: string
  readonly point: Point
  /** One per round; two for points used in the goals. */
  readonly samples: readonly Sample[]
  readonly allocated: InUse
}

export interface Setting {
  /** The ports of the stores at this distance in milliseconds. */
  readonly portsFor: (away: number) => Ports
  /** The path of the Node binary. */
  readonly node: string
  readonly flush: () => Promise<void>
  readonly say: (line: string) => void
}

type Options = Pick<Flags, 'rounds' | 'processes' | 'sample' | 'quick'>

/** Whether the contender can do this work. */
export function canDo({ without, store }: Listed, { work, size, away, visitors }: Point): boolean {
  if (without?.includes(work)) return false
  if (store === 'cookie' && size > 2048) return false
  const isRemote = store === 'memcached' || store === 'redis'
  if (away > 0) return isRemote
  // For an in-process store it does not matter what is cached about recent sessions.
  return visitors < manyVisitors || isRemote || store === 'none'
}

/** Measures all contenders at all points, in rounds: within a round, contenders take turns at each point. */
export async function measureAll(
  contenders: readonly Listed[],
  points: readonly Point[],
  options: Options,
  setting: Setting,
): Promise<readonly Figure[]> {
  const collected = new Collection()
  for (let process = 0; process < options.processes; process++) {
    const rounds = roundsOf(process, options)
    // Each distance needs new processes, because an application knows only one store.
    for (const away of new Set(points.map((point) => point.away))) {
      const here = points.filter((point) => point.away === away)
      const able = contenders.filter((one) => here.some((point) => canDo(one, point)))
      const workers = await startAll(able, setting, away)
      for (const round of rounds) {
        setting.say(`round ${round + 1} of ${options.rounds}${away === 0 ? '' : ', far store'}`)
        const isFirst = round === rounds[0]
        await measureRound(turned(workers, round), here, options, isFirst, collected)
      }
      await Promise.all(workers.map((worker) => worker.end()))
    }
  }
  return points.flatMap((point) =>
    contenders
      .filter((contender) => canDo(contender, point))
      .map((contender) => collected.figure(contender.name, point)),
  )
}

/** The rounds of one generation of processes. */
export function roundsOf(
  process: number,
  { rounds, processes }: Pick<Options, 'rounds' | 'processes'>,
): readonly number[] {
  const until = (count: number) => Math.round((rounds * count) / processes)
  const first = until(process)
  return Array.from({ length: until(process + 1) - first }, (_, index) => first + index)
}

/**
 * Milliseconds of warm-up before the samples of a point. Long for the first of a kind of work, because engines optimize
 * code over tens of thousands of requests, and a server lives longer.
 */
function warmthOf(isFirstTurn: boolean, isNew: boolean, quick: boolean): number {
  if (!isFirstTurn) return 100
  if (quick) return 150
  return isNew ? 2000 : 400
}

/** All points, then those used in the goals again. */
function pointsOfRound(points: readonly Point[]): readonly Point[] {
  const goals = new Set(goalPoints().map(keyOf))
  return [...points, ...points.filter((point) => goals.has(keyOf(point)))]
}

async function measureRound(
  workers: readonly Worker[],
  points: readonly Point[],
  { sample, quick }: Options,
  isFirst: boolean,
  collected: Collection,
): Promise<void> {
  const met = new Set<Work>()
  for (const [index, point] of pointsOfRound(points).entries()) {
    const isFirstTurn = isFirst && index < points.length
    const warm = warmthOf(isFirstTurn, !met.has(point.work), quick)
    met.add(point.work)
    const timing = { warm, measured: sample }
    for (const worker of workers) {
      const { contender } = worker
      if (!canDo(contender, point)) continue
      collected.take(contender.name, point, await worker.ask({ type: 'sample', point, timing }))
      if (!isFirstTurn) continue
      const bytes = await worker.ask({ type: 'allocation', point })
      collected.takeAllocation(contender.name, point, bytes)
    }
  }
}

class Collection {
  readonly #samples = new Map<string, Sample[]>()
  readonly #allocations = new Map<string, InUse>()

  take(contender: string, point: Point, sample: Sample): void {
    const name = nameOf(contender, point)
    this.#samples.set(name, [...(this.#samples.get(name) ?? []), sample])
  }

  takeAllocation(contender: string, point: Point, bytes: InUse): void {
    this.#allocations.set(nameOf(contender, point), bytes)
  }

  figure(contender: string, point: Point): Figure {
    const name = nameOf(contender, point)
    const samples = this.#samples.get(name)!
    return { contender, point, samples, allocated: this.#allocations.get(name)! }
  }
}

const nameOf = (contender: string, point: Point): string => `${contender} ${keyOf(point)}`

async function startAll(
  contenders: readonly Listed[],
  { node, portsFor, flush }: Setting,
  away: number,
): Promise<readonly Worker[]> {
  await flush()
  const workers: Worker[] = []
  for (const contender of contenders) {
    const worker = await startWorker(contender, node)
    await worker.ask({ type: 'open', ports: portsFor(away), patient: true })
    await worker.ask({ type: 'verify' })
    workers.push(worker)
  }
  return workers
}

/** Rotates the order each round, so that no contender always follows the same one. */
function turned<item>(items: readonly item[], round: number): readonly item[] {
  const first = round % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}
