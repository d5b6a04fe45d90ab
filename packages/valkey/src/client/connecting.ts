import { Alarm, loopTime, StoreError } from '@coatcheck/core/remote'
import { classify } from './classify.ts'

interface Connectable {
  readonly status: string
  connect(): Promise<unknown>
  on(event: string, listener: (value: never) => void): unknown
}

/** Connects on demand; concurrent callers share the attempt. */
export class Connecting {
  readonly #client: Connectable
  readonly #deadline: number
  readonly #drop: () => void
  #current: Promise<void> | undefined
  #error: unknown
  #onEnd: () => void = () => {}

  /** `drop` aborts an attempt that takes longer than `deadline` milliseconds. */
  constructor(client: Connectable, deadline: number, drop: () => void) {
    this.#client = client
    this.#deadline = deadline
    this.#drop = drop
    client.on('end', () => this.#onEnd())
  }

  /** Records why a connection failed: the client itself only reports that it is closed. */
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
    const late = Promise.withResolvers<never>()
    const alarm = new Alarm(() => {
      const message = `No connection to the server within ${this.#deadline} ms`
      late.reject(new StoreError('unavailable', message, { sent: false }))
      this.#drop()
    })
    this.#onEnd = () => late.reject(unsent(this.#error ?? new Error('It has ended')))
    alarm.set(loopTime() + this.#deadline)
    try {
      // The client may never settle an attempt that was aborted.
      await Promise.race([this.#client.connect(), late.promise])
      if (isRefusal(this.#error)) {
        // After a refused SELECT, the client continues in database 0.
        this.#drop()
        throw this.#error as Error
      }
    } catch (error) {
      throw error instanceof StoreError ? error : unsent(this.#error ?? error)
    } finally {
      alarm.clear()
      this.#onEnd = () => {}
    }
  }
}

function isRefusal(error: unknown): boolean {
  return (error as Partial<Error> | undefined)?.name === 'ReplyError'
}

function unsent(error: unknown): StoreError {
  const { code, message, answered } = classify(error, false)
  return new StoreError(code, message, { sent: false, answered })
}
