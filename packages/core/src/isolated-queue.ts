import type { Queue } from './batch-queue.ts'
import { longestTurn, maxTurnWaits, turnWait } from './rules/retry-limits.ts'

export interface IsolatedQueueContext {
  readonly now: () => number
  /** A random number from 0 to 1. */
  readonly chance: () => number
  readonly wait: (milliseconds: number) => Promise<void>
}

/** Until when each key is taken, in milliseconds since 1970. The key that was taken first comes first. */
export type Taken = Map<string, number>

/**
 * Stands in for a queue where the work of one request may not be done by another, and where none may wait for the
 * promise of another: each item is worked on alone, by the request that adds it. It looks again and again whether
 * its key is free, so that requests of one process do not collide; compare-and-swap would settle that, but after many
 * tries. A turn that never ends, because its request was cancelled, is over after `longestTurn`.
 */
export class IsolatedQueue<item, result> implements Pick<Queue<item, result>, 'add'> {
  readonly #taken: Taken
  readonly #context: IsolatedQueueContext

  /** `taken`: what all requests share. */
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
    // A fraction tells two turns of one millisecond apart.
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
