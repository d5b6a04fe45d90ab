import type { Circumstances, Contender } from '../contenders/contender.ts'
import { drive, makeVisitors } from '../drive/drive.ts'
import type { Jars } from '../drive/drive.ts'
import { shapeOf } from '../work.ts'
import type { Point } from '../work.ts'
import { measureAllocation } from './allocation.ts'
import type { InUse } from './allocation.ts'

export interface Timing {
  /** Milliseconds of requests before the clock starts; of processor time, as far as there is any. */
  readonly warm: number
  /** Milliseconds that are measured. */
  readonly measured: number
}

/** Microseconds for one request. */
export interface Sample {
  readonly wall: number
  /** Processor time of the library's process, its garbage collector's threads included. */
  readonly cpu: number
}

type Open = Omit<Circumstances, 'size' | 'gate' | 'patient'>

/** Starts the application anew, with an empty store, and times one point. */
export async function takeSample(
  contender: Contender,
  point: Point,
  ports: Open,
  timing: Timing,
): Promise<Sample> {
  return withSite(contender, point, ports, async (run) => {
    const rate = await rateOf(run, point, timing.warm)
    const total = roundUp(rate * timing.measured, point.inFlight)
    const ready = await run.prepare(total)
    globalThis.gc?.()
    const before = process.cpuUsage()
    const begun = performance.now()
    await ready()
    const took = performance.now() - begun
    const { user, system } = process.cpuUsage(before)
    return { wall: (took * 1000) / total, cpu: (user + system) / total }
  })
}

/** Bytes allocated for one request. */
export async function takeAllocation(
  contender: Contender,
  point: Point,
  ports: Open,
): Promise<InUse> {
  return withSite(contender, point, ports, async (run) => {
    await rateOf(run, point, 200)
    const total = roundUp(2000, point.inFlight)
    const ready = await run.prepare(total)
    globalThis.gc?.()
    const { heap, external } = await measureAllocation(ready)
    return { heap: heap / total, external: external / total }
  })
}

interface Run {
  /** Makes what `total` requests need, and returns what sends them. */
  readonly prepare: (total: number) => Promise<() => Promise<void>>
}

async function withSite<result>(
  contender: Contender,
  point: Point,
  ports: Open,
  use: (run: Run) => Promise<result>,
): Promise<result> {
  const gate = async () => {}
  const site = await contender.start({ ...ports, size: point.size, gate, patient: true })
  const { work, inFlight } = point
  const { hasSession, once } = shapeOf(work)
  const isFloor = contender.floor === null
  const many = (count: number) => makeVisitors(site, count, 64)
  let kept: Jars | undefined
  const jarsFor = async (total: number): Promise<Jars> => {
    if (!hasSession) return []
    if (isFloor) return Array.from({ length: point.visitors }, () => 'sid=' + 'f'.repeat(43))
    if (once) return many(total)
    kept ??= await many(Math.max(point.visitors, inFlight))
    return kept
  }
  try {
    return await use({
      async prepare(total) {
        const jars = await jarsFor(total)
        return () => drive(site, work, jars, total, inFlight)
      },
    })
  } finally {
    await site.close()
  }
}

/**
 * Warms the code up, and says how many requests it answers in a millisecond. Milliseconds are of processor time,
 * so that a busy machine does not end it early; or four times as many by the clock, where most time is waiting.
 */
async function rateOf(run: Run, { inFlight }: Point, milliseconds: number): Promise<number> {
  let rate = 0
  for (let elapsed = 0, total = inFlight; elapsed < milliseconds; total = more(total)) {
    const ready = await run.prepare(total)
    const before = process.cpuUsage()
    const begun = performance.now()
    await ready()
    const { user, system } = process.cpuUsage(before)
    const took = Math.max((user + system) / 1000, (performance.now() - begun) / 4)
    elapsed += took
    rate = total / took
  }
  return rate
}

const more = (total: number): number => Math.min(total * 4, 4096)

function roundUp(count: number, step: number): number {
  return Math.max(1, Math.ceil(count / step)) * step
}
