import type { Queue } from './batch-queue.ts'
import { longestTurn, maxTurnWaits, turnWait } from './rules/retry-limits.ts'

export interface IsolatedQueueContext {
  readonly now: () => number
  /** A random number from 0 to 1. */
  readonly chance: () => number
  readonly wait: (milliseconds: number) => Promise<void>
}

/** Until when each key is taken, in milliseconds since 1970, in the order in which the keys were taken. */
export type Taken = Map<string, number>

/**
 * Replaces the queue in runtimes where a request cannot work for another or await another's promises: each request
 * processes its own item. It polls until its key is free, so that requests of one process do not collide;
 * compare-and-swap would resolve such collisions, but only after many tries. A turn whose request was cancelled never
 * ends, so it expires after `longestTurn`.
 */
export class IsolatedQueue<item, result> implements Pick<Queue<item, result>, 'add'> {
  readonly #taken: Taken
  readonly #context: IsolatedQueueContext

  /** `taken` is shared by all requests. */
  constructor(taken: Taken, context: IsolatedQueueContext) {
    this.#taken = taken
    this.#context = context
  }

  async add(
    key: string,
    item: item,
    work: Parameters<Queue<item, result>['add']>[2],
  ): Promise<result> {
    const until = await this.#take(key)
    try {
      const [end] = await work([item])
      if (end && 'result' in end) return end.result
      throw end?.error
    } finally {
      if (this.#taken.get(key) === until) this.#taken.delete(key)
    }
  }

  async #take(key: string): Promise<number> {
    const { now, chance, wait } = this.#context
    for (let waits = 0; waits < maxTurnWaits && this.#isTaken(key); waits++) {
      await wait(turnWait(chance()))
    }
    // The random fraction distinguishes two turns in the same millisecond.
    const until = now() + longestTurn + chance()
    this.#taken.delete(key)
    this.#taken.set(key, until)
    return until
  }

  #isTaken(key: string): boolean {
    const now = this.#context.now()
    for (const [taken, until] of this.#taken) {
      if (until > now) break
      this.#taken.delete(taken)
    }
    return this.#taken.has(key)
  }
}
