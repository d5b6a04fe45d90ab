import { Alarm, loopTime, StoreError } from '@coatcheck/core/remote'

export interface FlightLimits {
  /** Milliseconds until a command has settled, on the `loopTime` clock. */
  readonly deadline: number
  /** The maximum number of commands in flight. */
  readonly maxInFlight: number
  /** The maximum bytes of values in flight. */
  readonly maxQueuedBytes: number
}

/** One command in flight. */
export interface Flight {
  readonly size: number
  /** On the `loopTime` clock. */
  readonly deadline: number
  /** Whether the command may have reached the server. */
  isSent: boolean
  /** Whether the caller has been told that it failed, so that it must not be sent any more. */
  isOver: boolean
}

interface Waiting extends Flight {
  readonly fail: (error: StoreError) => void
  readonly onOverdue: () => void
}

/**
 * The commands in flight, each with a deadline. One alarm serves them all, because they expire in the order in which
 * they began. Keeps the process alive while there are any.
 */
export class Flights {
  readonly #limits: FlightLimits
  readonly #waiting = new Set<Waiting>()
  readonly #alarm = new Alarm(() => this.#onAlarm())
  #bytes = 0
  #keepAlive: NodeJS.Timeout | undefined

  constructor(limits: FlightLimits) {
    this.#limits = limits
  }

  /** `onOverdue` is called if the deadline passes after the command was sent. */
  submit<result>(
    size: number,
    start: (flight: Flight) => Promise<result>,
    onOverdue: () => void,
  ): Promise<result> {
    const refusal = this.#refusal(size)
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise<result>((resolve, reject) => {
      const flight: Waiting = {
        size,
        deadline: loopTime() + this.#limits.deadline,
        isSent: false,
        isOver: false,
        fail: reject,
        onOverdue,
      }
      this.#add(flight)
      start(flight).then(
        (result) => {
          this.#remove(flight)
          resolve(result)
        },
        (error: Error) => {
          this.#remove(flight)
          reject(error)
        },
      )
    })
  }

  /** Fails all pending commands. */
  close(): void {
    const message = 'The store was closed'
    for (const flight of this.#waiting) {
      this.#remove(flight)
      flight.isOver = true
      flight.fail(new StoreError('unavailable', message, { sent: flight.isSent }))
    }
    this.#alarm.clear()
    clearInterval(this.#keepAlive)
    this.#keepAlive = undefined
  }

  #refusal(size: number): StoreError | undefined {
    const { maxInFlight, maxQueuedBytes } = this.#limits
    if (this.#waiting.size >= maxInFlight) {
      const message = `${maxInFlight} commands are waiting for the servers (maxInFlight)`
      return new StoreError('overloaded', message, { sent: false })
    }
    if (this.#bytes + size > maxQueuedBytes) {
      const message = `Too many bytes are waiting for the servers (maxQueuedBytes ${maxQueuedBytes})`
      return new StoreError('overloaded', message, { sent: false })
    }
    return undefined
  }

  #add(flight: Waiting): void {
    if (this.#waiting.size === 0) {
      this.#keepAlive ??= setInterval(() => {}, 2 ** 30)
      this.#keepAlive.ref()
    }
    this.#waiting.add(flight)
    this.#bytes += flight.size
    if (!this.#alarm.isSet) this.#alarm.set(flight.deadline)
  }

  #remove(flight: Waiting): void {
    if (!this.#waiting.delete(flight)) return
    this.#bytes -= flight.size
    if (this.#waiting.size === 0) this.#keepAlive?.unref()
  }

  #onAlarm(): void {
    const now = loopTime()
    // One shared error, so that a breaker counts it as one failure.
    const message = `No answer from the server within ${this.#limits.deadline} ms`
    const sent = new StoreError('unavailable', message, { sent: true })
    const unsent = new StoreError('unavailable', message, { sent: false })
    for (const flight of this.#waiting) {
      if (flight.deadline > now) return this.#alarm.set(flight.deadline)
      this.#remove(flight)
      flight.isOver = true
      flight.fail(flight.isSent ? sent : unsent)
      if (flight.isSent) flight.onOverdue()
    }
  }
}
