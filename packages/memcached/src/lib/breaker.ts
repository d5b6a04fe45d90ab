import { StoreError } from './errors.ts'

export interface BreakerOptions {
  /** Opens after this many failures in a row. */
  readonly failures: number
  /** Milliseconds between probes while it is open. */
  readonly pause: number
  /** Asks the node whether it is there. */
  readonly probe: () => Promise<void>
}

/**
 * Spares requests the wait for a node that does not answer: after a few failures in a row every command is
 * refused at once, while a probe asks in the background, until it is answered.
 */
export interface Breaker {
  /** Runs a command, or refuses it at once with `unavailable`, not sent. */
  readonly run: <result>(command: () => Promise<result>) => Promise<result>
  /** Ends the probing. */
  readonly close: () => void
}

/** What says that a node is not there; any other answer says that it is. */
const outages: readonly string[] = ['unavailable', 'protocol']

export function createBreaker({ failures, pause, probe }: BreakerOptions): Breaker {
  let failed = 0
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const isOpen = (): boolean => timer !== undefined

  function succeed(): void {
    failed = 0
    clearTimeout(timer)
    timer = undefined
  }

  function fail(error: unknown): void {
    if (!outages.includes((error as StoreError).code)) return succeed()
    failed++
    if (failed >= failures && !isOpen() && !isClosed) schedule()
  }

  function schedule(): void {
    timer = setTimeout(() => void ask(), pause)
    // A process that has nothing else to do need not wait for a server that is away.
    timer.unref()
  }

  async function ask(): Promise<void> {
    try {
      await probe()
      succeed()
    } catch (error) {
      if (!outages.includes((error as StoreError).code)) succeed()
      else if (!isClosed) schedule()
    }
  }

  return {
    async run(command) {
      if (isOpen()) {
        const message = 'The node did not answer before, and is asked again in the background'
        throw new StoreError('unavailable', message, { sent: false })
      }
      try {
        const result = await command()
        failed = 0
        return result
      } catch (error) {
        fail(error)
        throw error
      }
    },
    close() {
      isClosed = true
      succeed()
    },
  }
}
