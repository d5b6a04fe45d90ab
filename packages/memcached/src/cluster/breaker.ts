import { StoreError } from '../errors.ts'

export interface BreakerOptions {
  /** Opens after this many failures in a row. */
  readonly failures: number
  /** Milliseconds between probes while it is open. */
  readonly pause: number
  /** Asks the node whether it is there. */
  readonly probe: () => Promise<void>
}

/**
 * Spares requests the wait for a node that does not answer: after a few failures in a row every
 * command is refused at once, while a probe asks in the background, until it is answered.
 */
export interface Breaker {
  /**
   * Runs a command, or refuses it at once with `unavailable`, not sent. `again`: what is tried
   * after an error, if anything; its end is then the one that counts.
   */
  readonly run: <result>(
    command: () => Promise<result>,
    again?: (error: unknown) => Promise<result> | undefined,
  ) => Promise<result>
  /** Runs a command in any case. An answer closes the breaker. */
  readonly observe: <result>(command: () => Promise<result>) => Promise<result>
  /** Ends the probing. */
  readonly close: () => void
}

export function createBreaker({ failures, pause, probe }: BreakerOptions): Breaker {
  let failed = 0
  let last: unknown
  let isOpen = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined

  function succeed(): void {
    failed = 0
    last = undefined
    isOpen = false
    clearTimeout(timer)
  }

  /** The end of a connection is one failure, though all commands in flight get its error. */
  function fail(error: unknown): void {
    if (error === last) return
    last = error
    failed++
    if (failed < failures || isOpen || isClosed) return
    isOpen = true
    schedule()
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
      // Refused credentials, say: whoever says so is there, and each command is to hear it.
      if (!isOutage(error)) succeed()
      else if (isOpen) schedule()
    }
  }

  function pass<result>(result: result): result {
    if (failed > 0) succeed()
    return result
  }

  /** No `async` function: that would be a second closure and half as much work for every command. */
  function observe<result>(
    command: Promise<result>,
    again?: (error: unknown) => Promise<result> | undefined,
  ): Promise<result> {
    return command.then<result, result>(pass, (error: unknown) => {
      const second = again?.(error)
      if (second !== undefined) return observe(second)
      if (isOutage(error)) fail(error)
      // Sent: the node has refused it. Not sent: we have, which says nothing about the node.
      else if ((error as Partial<StoreError>).sent === true) succeed()
      throw error
    })
  }

  return {
    run(command, again) {
      if (!isOpen) return observe(command(), again)
      const message = 'The node did not answer before, and is asked again in the background'
      return Promise.reject(new StoreError('unavailable', message, { sent: false }))
    },
    observe: (command) => observe(command()),
    close() {
      isClosed = true
      succeed()
    },
  }
}

/** What says that a node is not there; any other answer says that it is. */
function isOutage(error: unknown): boolean {
  const { code } = error as Partial<StoreError>
  return code === 'unavailable' || code === 'protocol'
}
