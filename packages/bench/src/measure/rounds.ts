import type { Ports } from '../child.ts'
import type { Listed } from '../contenders/list.ts'
import type { Flags } from '../flags.ts'
import { keyOf } from '../work.ts'
import type { Point } from '../work.ts'
import { startWorker } from '../worker.ts'
import type { Worker } from '../worker.ts'
import type { InUse } from './allocation.ts'
import type { Sample } from './measure.ts'

export interface Figure {
  readonly contender: string
  readonly point: Point
  /** One for each round. */
  readonly samples: readonly Sample[]
  readonly allocated: InUse
}

export interface Setting {
  readonly ports: Ports
  /** The stores, so many milliseconds away. */
  readonly portsFor: (away: number) => Ports
  /** The path of Node's binary. */
  readonly node: string
  readonly flush: () => Promise<void>
  readonly say: (line: string) => void
}

/** Whether the contender can do this work. */
export function canDo({ without, store }: Listed, { work, size, away }: Point): boolean {
  if (without?.includes(work)) return false
  if (store === 'cookie' && size > 2048) return false
  return away === 0 || store === 'memcached' || store === 'redis'
}

/** All contenders, all points, in rounds: within a round each contender takes its turn at a point. */
export async function measureAll(
  contenders: readonly Listed[],
  points: readonly Point[],
  { rounds, processes, sample, quick }: Pick<Flags, 'rounds' | 'processes' | 'sample' | 'quick'>,
  setting: Setting,
): Promise<readonly Figure[]> {
  const { portsFor, say } = setting
  const samples = new Map<string, Sample[]>()
  const allocations = new Map<string, InUse>()
  const name = (worker: Listed, point: Point) => `${worker.name} ${keyOf(point)}`
  let round = 0
  for (let process = 0; process < processes; process++) {
    const workers = await startAll(contenders, setting)
    const until = Math.round((rounds * (process + 1)) / processes)
    for (let isFirst = true; round < until; round++, isFirst = false) {
      say(`round ${round + 1} of ${rounds}`)
      const order = turned(workers, round)
      for (const point of points) {
        for (const worker of order) {
          const { contender } = worker
          if (!canDo(contender, point)) continue
          const key = name(contender, point)
          const first = quick ? 150 : 400
          const timing = { warm: isFirst ? first : 40, measured: sample }
          const ports = portsFor(point.away)
          await setting.flush()
          const taken = await worker.ask({ type: 'sample', point, ports, timing })
          samples.set(key, [...(samples.get(key) ?? []), taken])
          if (allocations.has(key)) continue
          await setting.flush()
          allocations.set(key, await worker.ask({ type: 'allocation', point, ports }))
        }
      }
    }
    await Promise.all(workers.map((worker) => worker.end()))
  }
  return points.flatMap((point) =>
    contenders
      .filter((contender) => canDo(contender, point))
      .map((contender) => {
        const key = name(contender, point)
        return {
          contender: contender.name,
          point,
          samples: samples.get(key)!,
          allocated: allocations.get(key)!,
        }
      }),
  )
}

async function startAll(
  contenders: readonly Listed[],
  { node, ports, flush }: Setting,
): Promise<readonly Worker[]> {
  const workers: Worker[] = []
  for (const contender of contenders) {
    const worker = await startWorker(contender, node)
    await flush()
    await worker.ask({ type: 'verify', ports })
    workers.push(worker)
  }
  return workers
}

/** In another order each round, so that no contender always follows the same one. */
function turned<item>(items: readonly item[], round: number): readonly item[] {
  const first = round % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}
