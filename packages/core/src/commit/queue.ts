/** Work that one key's turn takes on: what waited for it, in the order of arrival. */
type Take<item, result> = (key: string, items: readonly item[]) => Promise<readonly result[]>

interface Waiting<item, result> {
  readonly item: item
  readonly resolve: (result: result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Takes turns by key: while one turn is under way, whatever arrives for its key waits, and is then taken
 * together. Items of which `alone` is true get a turn to themselves. The first turn begins one
 * microtask late, so that all that arrive in one go share it.
 */
export function createTurns<item, result>(
  alone: (item: item) => boolean,
  take: Take<item, result>,
): (key: string, item: item) => Promise<result> {
  const queues = new Map<string, Waiting<item, result>[]>()

  async function work(key: string, queue: Waiting<item, result>[]): Promise<void> {
    await Promise.resolve()
    while (queue.length > 0) {
      const firstAlone = queue.findIndex(({ item }) => alone(item))
      const batch = queue.splice(0, firstAlone < 0 ? queue.length : Math.max(firstAlone, 1))
      await takeTurn(take, key, batch)
    }
    queues.delete(key)
  }

  return (key, item) =>
    new Promise((resolve, reject) => {
      const queue = queues.get(key)
      if (queue) {
        queue.push({ item, resolve, reject })
        return
      }
      const started = [{ item, resolve, reject }]
      queues.set(key, started)
      void work(key, started)
    })
}

async function takeTurn<item, result>(
  take: Take<item, result>,
  key: string,
  batch: readonly Waiting<item, result>[],
): Promise<void> {
  try {
    const results = await take(
      key,
      batch.map(({ item }) => item),
    )
    batch.forEach(({ resolve }, at) => resolve(results[at] as result))
  } catch (error) {
    for (const { reject } of batch) reject(error)
  }
}
