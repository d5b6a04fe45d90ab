import { GCProfiler, getHeapStatistics } from 'node:v8'

/** Bytes in use on V8's heap, and outside it for objects on the heap (buffers, native handles). */
export interface InUse {
  readonly heap: number
  readonly external: number
}

/** Before and after one garbage collection. */
export interface Collection {
  readonly before: InUse
  readonly after: InUse
}

/** Bytes allocated between two moments, regardless of garbage collections in between. */
export function allocated(first: InUse, collections: readonly Collection[], last: InUse): InUse {
  const of = (part: keyof InUse) => {
    let sum = 0
    let since = first[part]
    for (const { before, after } of collections) {
      sum += before[part] - since
      since = after[part]
    }
    return sum + last[part] - since
  }
  return { heap: of('heap'), external: of('external') }
}

export async function measureAllocation(task: () => Promise<void>): Promise<InUse> {
  const profiler = new GCProfiler()
  profiler.start()
  const first = inUse()
  await task()
  const last = inUse()
  const { statistics } = profiler.stop()
  const collections = statistics.map(({ beforeGC, afterGC }) => ({
    before: fromProfile(beforeGC.heapStatistics),
    after: fromProfile(afterGC.heapStatistics),
  }))
  return allocated(first, collections, last)
}

function inUse(): InUse {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return { heap: used_heap_size, external: external_memory }
}

function fromProfile(statistics: {
  readonly usedHeapSize: number
  readonly externalMemory: number
}): InUse {
  return { heap: statistics.usedHeapSize, external: statistics.externalMemory }
}
