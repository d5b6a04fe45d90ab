/** Milliseconds between two ticks. */
export const lookEvery = 50

/** Stops the ticks if the clock stands still. */
const maxLooks = 100

interface Timers {
  readonly now: () => number
  /** Must not keep the process alive. */
  readonly waitIdly: (milliseconds: number) => Promise<void>
}

/**
 * Measures the time that the event loop could really run. A late tick means that the process was blocked by synchronous
 * work or got no CPU; then the time since the last tick does not count.
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

  /** Starts measuring; later calls have no effect. */
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
