/** Processes a batch of items for one key, in order of arrival. Returns one result per item. */
type Work<item, result> = (items: readonly item[]) => Promise<readonly Settled<result>[]>

/** The outcome of one item: a result, or its own error. */
export type Settled<result> = { readonly result: result } | { readonly error: unknown }

interface Waiting<item, result> {
  readonly item: item
  readonly resolve: (result: result) => void
  readonly reject: (error: unknown) => void
}

/** The queue of one key. */
interface Line<item, result> {
  readonly work: Work<item, result>
  readonly waiting: Waiting<item, result>[]
  /** The number of batches started. */
  batches: number
  /** The number of the run that may start the next batch. */
  run: number
}

/**
 * Runs work per key, one batch at a time. Items that arrive for a key during a batch wait and form the next batch.
 * `batchLength` returns how many waiting items the next batch takes, at least one. The first batch starts one microtask
 * late, so that items added in the same turn share it.
 *
 * A batch that never ends, for example because a schema never answers, does not block its key for good: once `patience`
 * resolves, the waiting items run in parallel with it.
 */
export class Queue<item, result> {
  readonly #lines = new Map<string, Line<item, result>>()
  readonly #batchLength: (items: readonly item[]) => number
  readonly #patience: () => Promise<void>
  #isWatched = false

  constructor(batchLength: (items: readonly item[]) => number, patience: () => Promise<void>) {
    this.#batchLength = batchLength
    this.#patience = patience
  }

  add(key: string, item: item, work: Work<item, result>): Promise<result> {
    return new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject }
      const line = this.#lines.get(key)
      if (line) {
        line.waiting.push(waiting)
        if (!this.#isWatched) void this.#watch()
        return
      }
      const started = { work, waiting: [waiting], batches: 0, run: 0 }
      this.#lines.set(key, started)
      this.#run(key, started)
    })
  }

  #run(key: string, line: Line<item, result>): void {
    const run = ++line.run
    queueMicrotask(() => this.#next(key, line, run))
  }

  #next(key: string, line: Line<item, result>, run: number): void {
    if (line.run !== run) return
    if (line.waiting.length === 0) {
      this.#lines.delete(key)
      return
    }
    const length = this.#batchLength(line.waiting.map(({ item }) => item))
    const batch = line.waiting.splice(0, Math.max(length, 1))
    line.batches++
    // Not an async function, which would create four more promises per batch.
    begin(line.work, batch).then(
      (ends) => {
        settle(batch, ends)
        this.#next(key, line, run)
      },
      (error: unknown) => {
        for (const { reject } of batch) reject(error)
        this.#next(key, line, run)
      },
    )
  }

  /** One timer for all keys, only while items wait behind a batch. */
  async #watch(): Promise<void> {
    this.#isWatched = true
    for (;;) {
      const seen = [...this.#lines].filter(([, { waiting }]) => waiting.length > 0)
      if (seen.length === 0) break
      const batches = seen.map(([, line]) => line.batches)
      await this.#patience()
      seen.forEach(([key, line], at) => {
        const isStuck = line.batches === batches[at] && line.waiting.length > 0
        if (isStuck) this.#run(key, line)
      })
      // A run starts one microtask late.
      await Promise.resolve()
    }
    this.#isWatched = false
  }
}

/** Turns a synchronous throw into a rejection. */
function begin<item, result>(
  work: Work<item, result>,
  batch: readonly Waiting<item, result>[],
): ReturnType<Work<item, result>> {
  try {
    return work(batch.map(({ item }) => item))
  } catch (error) {
    return Promise.reject(error as Error)
  }
}

function settle<item, result>(
  batch: readonly Waiting<item, result>[],
  ends: readonly Settled<result>[],
): void {
  batch.forEach(({ resolve, reject }, at) => {
    const end = ends[at]
    if (end && 'result' in end) resolve(end.result)
    else reject(end?.error)
  })
}
