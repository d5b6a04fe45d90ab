import { Alarm, loopTime, StoreError } from '@coatcheck/core/remote'
import { classify } from './classify.ts'

interface Connectable {
  readonly status: string
  connect(): Promise<unknown>
}

/** Connects when it is asked to, once for all that wait for it. */
export class Connecting {
  readonly #client: Connectable
  readonly #deadline: number
  readonly #drop: () => void
  #current: Promise<void> | undefined
  #error: unknown

  /** `drop` ends an attempt that takes longer than `deadline` milliseconds. */
  constructor(client: Connectable, deadline: number, drop: () => void) {
    this.#client = client
    this.#deadline = deadline
    this.#drop = drop
  }

  /** Keeps why a connection failed: the client itself says only that it is closed. */
  readonly onError = (error: unknown): void => {
    this.#error = error
  }

  ready(): Promise<void> | null {
    if (this.#client.status === 'ready') return null
    return (this.#current ??= this.#connect().finally(() => {
      this.#current = undefined
    }))
  }

  async #connect(): Promise<void> {
    this.#error = undefined
    let isLate = false
    const late = new Alarm(() => {
      isLate = true
      this.#drop()
    })
    late.set(loopTime() + this.#deadline)
    try {
      await this.#client.connect()
    } catch (error) {
      if (!isLate) throw unsent(this.#error ?? error)
      const message = `No connection to the server within ${this.#deadline} ms`
      throw new StoreError('unavailable', message, { sent: false })
    } finally {
      late.clear()
    }
  }
}

function unsent(error: unknown): StoreError {
  const { code, message, answered } = classify(error, false)
  return new StoreError(code, message, { sent: false, answered })
}
