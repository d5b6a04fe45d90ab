import type { Site } from '../contenders/contender.ts'
import { drive, makeVisitors } from '../drive/drive.ts'
import type { Jars } from '../drive/drive.ts'
import { shapeOf } from '../work.ts'
import type { Point } from '../work.ts'
import { measureAllocation } from './allocation.ts'
import type { InUse } from './allocation.ts'

export interface Timing {
  /** Milliseconds of warm-up requests; of CPU time, if there is any. */
  readonly warm: number
  /** Milliseconds that are measured. */
  readonly measured: number
}

/** Microseconds per request. */
export interface Sample {
  readonly wall: number
  /** CPU time of the library's process, including garbage-collector threads. */
  readonly cpu: number
}

/**
 * Measures one application. It lives as long as the process, like a server: a restarted one would create new classes
 * and closures, without the engine's optimized code.
 */
export class Meter {
  readonly #site: Site
  /** It answers without sessions, so any cookie works. */
  readonly #isFloor: boolean
  readonly #setSize: (size: number) => void
  readonly #jars = new Map<string, Jars>()

  constructor(site: Site, isFloor: boolean, setSize: (size: number) => void) {
    this.#site = site
    this.#isFloor = isFloor
    this.#setSize = setSize
  }

  async sample(point: Point, { warm, measured }: Timing): Promise<Sample> {
    const rate = await this.#warmUp(point, warm)
    const total = roundUp(rate * measured, point.inFlight)
    const run = await this.#prepare(point, total)
    globalThis.gc?.({ type: 'minor' })
    const before = process.cpuUsage()
    const begun = performance.now()
    await run()
    const took = performance.now() - begun
    const { user, system } = process.cpuUsage(before)
    return { wall: (took * 1000) / total, cpu: (user + system) / total }
  }

  /** Bytes allocated per request. */
  async allocation(point: Point): Promise<InUse> {
    const rate = await this.#warmUp(point, 20)
    const total = roundUp(Math.min(2000, rate * 100), point.inFlight)
    const run = await this.#prepare(point, total)
    const { heap, external } = await measureAllocation(run)
    return { heap: heap / total, external: external / total }
  }

  /** Prepares `total` requests, and returns a function that sends them. */
  async #prepare(point: Point, total: number): Promise<() => Promise<void>> {
    const jars = await this.#jarsFor(point, total)
    return () => drive(this.#site, point.work, jars, total, point.inFlight)
  }

  async #jarsFor({ work, size, visitors, inFlight }: Point, total: number): Promise<Jars> {
    this.#setSize(size)
    const { hasSession, once } = shapeOf(work)
    if (!hasSession) return []
    if (this.#isFloor) return Array.from({ length: visitors }, () => 'sid=' + 'f'.repeat(43))
    if (once) return makeVisitors(this.#site, total, lanes)
    const kind = `${size} ${visitors}`
    const kept = this.#jars.get(kind) ?? (await makeVisitors(this.#site, visitors, lanes))
    this.#jars.set(kind, kept)
    if (kept.length < inFlight) throw new Error('There are fewer visitors than requests under way')
    return kept
  }

  /**
   * Warms up the code, and returns the number of requests per millisecond. Milliseconds are of CPU time, so that a busy
   * machine does not end the warm-up early; or four times as many of wall time, where most time is waiting.
   */
  async #warmUp(point: Point, milliseconds: number): Promise<number> {
    let rate = 0
    for (let elapsed = 0, total = point.inFlight; elapsed < milliseconds; total = more(total)) {
      const run = await this.#prepare(point, total)
      const before = process.cpuUsage()
      const begun = performance.now()
      await run()
      const { user, system } = process.cpuUsage(before)
      const took = Math.max((user + system) / 1000, (performance.now() - begun) / 4)
      elapsed += took
      rate = total / took
    }
    return rate
  }
}

const lanes = 64

const more = (total: number): number => Math.min(total * 4, 4096)

function roundUp(count: number, step: number): number {
  return Math.max(1, Math.ceil(count / step)) * step
}
