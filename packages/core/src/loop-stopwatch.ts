/** Milliseconds between two looks at the clock. */
export const lookEvery = 50

/** Ends the looks of a clock that stands still. */
const maxLooks = 100

interface Timers {
  readonly now: () => number
  /** Must not keep the process alive. */
  readonly waitIdly: (milliseconds: number) => Promise<void>
}

/**
 * Measures the time that the event loop really had. A look that comes late says that the process worked
 * synchronously, or that the machine gave it no time: then the time since the last look does not count.
 */
export class LoopStopwatch {
  readonly #timers: Timers
  #passed = 0
  #isStarted = false
  #isStopped = false

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** Milliseconds since `start`. */
  get passed(): number {
    return this.#passed
  }

  /** Begins to measure, once. */
  start(): void {
    if (!this.#isStarted) void this.#look()
    this.#isStarted = true
  }

  stop(): void {
    this.#isStopped = true
  }

  async #look(): Promise<void> {
    const { now, waitIdly } = this.#timers
    let lookedAt = now()
    for (let looks = 0; looks < maxLooks && !this.#isStopped; looks++) {
      await waitIdly(lookEvery)
      const elapsed = now() - lookedAt
      lookedAt += elapsed
      if (elapsed > 0 && elapsed <= 2 * lookEvery) this.#passed += elapsed
    }
  }
}
