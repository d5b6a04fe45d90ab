/** Works on what has waited for one key, in the order of arrival. One result for each item. */
type Work<item, result> = (items: readonly item[]) => Promise<readonly Settled<result>[]>

/** How one item ended: with a result, or with an error of its own. */
export type Settled<result> = { readonly result: result } | { readonly error: unknown }

interface Waiting<item, result> {
  readonly item: item
  readonly resolve: (result: result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Work by key, one batch at a time: what arrives for a key while a batch is under way waits, and makes the next
 * batch. `batchLength` says how many of the waiting items the next batch takes, at least one. The first batch
 * begins one microtask late, so that items that arrive in one go share it.
 */
export class Queue<item, result> {
  readonly #waiting = new Map<string, Waiting<item, result>[]>()
  readonly #batchLength: (items: readonly item[]) => number

  constructor(batchLength: (items: readonly item[]) => number) {
    this.#batchLength = batchLength
  }

  add(key: string, item: item, work: Work<item, result>): Promise<result> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key)
      if (waiting) {
        waiting.push({ item, resolve, reject })
        return
      }
      const started = [{ item, resolve, reject }]
      this.#waiting.set(key, started)
      void this.#run(key, started, work)
    })
  }

  async #run(
    key: string,
    waiting: Waiting<item, result>[],
    work: Work<item, result>,
  ): Promise<void> {
    await Promise.resolve()
    while (waiting.length > 0) {
      const length = this.#batchLength(waiting.map(({ item }) => item))
      const batch = waiting.splice(0, Math.max(length, 1))
      await settleBatch(batch, work)
    }
    this.#waiting.delete(key)
  }
}

async function settleBatch<item, result>(
  batch: readonly Waiting<item, result>[],
  work: Work<item, result>,
): Promise<void> {
  try {
    const ends = await work(batch.map(({ item }) => item))
    batch.forEach(({ resolve, reject }, at) => {
      const end = ends[at] as Settled<result>
      if ('error' in end) reject(end.error)
      else resolve(end.result)
    })
  } catch (error) {
    for (const { reject } of batch) reject(error)
  }
}
