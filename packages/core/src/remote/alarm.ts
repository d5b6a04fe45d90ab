import { hold, loopTime, release } from './loop-clock.ts'
import { afterLook, clearIdleTimeout, setIdleTimeout } from '../timers.ts'
import type { IdleTimer } from '../timers.ts'

/**
 * Calls back when a time on the `loopTime` clock has come and the event loop has polled its sockets once more, so that
 * an answer that has already arrived is read first. Does not keep the process alive.
 */
export class Alarm {
  readonly #onTime: () => void
  #at = 0
  #timer: IdleTimer | undefined
  #isSet = false

  constructor(onTime: () => void) {
    this.#onTime = onTime
  }

  get isSet(): boolean {
    return this.#isSet
  }

  /** `at`: on the `loopTime` clock. Replaces an earlier time. */
  set(at: number): void {
    if (!this.#isSet) hold()
    this.#isSet = true
    this.#at = at
    clearIdleTimeout(this.#timer)
    this.#wait()
  }

  clear(): void {
    if (!this.#isSet) return
    this.#isSet = false
    clearIdleTimeout(this.#timer)
    release()
  }

  #wait(): void {
    // Node.js warns about negative delays, and treats delays above 2^31 - 1 as 1.
    const left = Math.min(Math.max(1, Math.ceil(this.#at - loopTime())), 2 ** 31 - 1)
    this.#timer = setIdleTimeout(this.#onTimer, left)
  }

  readonly #onTimer = (): void => {
    if (loopTime() < this.#at) return this.#wait()
    afterLook(() => {
      if (!this.#isSet || loopTime() < this.#at) return
      this.clear()
      this.#onTime()
    })
  }
}
