import { StoreError } from './store-error.ts'
import { clearIdleTimeout, setIdleTimeout } from '../timers.ts'
import type { IdleTimer } from '../timers.ts'

/** Consecutive failures that open the breaker of a server. */
export const failuresToOpen = 3

/** Milliseconds between the probes of a server whose breaker is open. */
export const pauseBetweenProbes = 1000

export interface BreakerOptions {
  /** Consecutive failures that open it. */
  readonly failures: number
  /** Milliseconds between probes while it is open. */
  readonly pause: number
  /**
   * Asks the server, and rejects if it does not answer. Without it there is no timer, and a command is the probe, for
   * runtimes where a timer ends with its request.
   */
  readonly probe?: (() => Promise<void>) | undefined
  /** Returns the error to throw instead. Default: the error itself. */
  readonly nameError?: (error: unknown) => unknown
}

/**
 * A circuit breaker, which keeps requests from waiting for a server that does not answer. After a few consecutive
 * failures it opens: every command is refused at once, until a probe in the background is answered. Without a probe,
 * one command in each pause is sent.
 */
export interface Breaker {
  /**
   * Runs a command, or refuses it at once with `unavailable` and `sent: false`. `again` may return
   * a second try after an error; its result then replaces the first.
   */
  readonly run: <result>(
    command: () => Promise<result>,
    again?: (error: unknown) => Promise<result> | undefined,
  ) => Promise<result>
  /** Runs a command even while the breaker is open. An answer closes it. */
  readonly observe: <result>(command: () => Promise<result>) => Promise<result>
  /** Stops probing for good. */
  readonly close: () => void
}

export function createBreaker({
  failures,
  pause,
  probe,
  nameError = (error) => error,
}: BreakerOptions): Breaker {
  let failed = 0
  let last: unknown
  let isOpen = false
  let isClosed = false
  let timer: IdleTimer | undefined
  /** When a command may be the probe. */
  let retryAt = 0

  function succeed(): void {
    failed = 0
    last = undefined
    isOpen = false
    clearIdleTimeout(timer)
  }

  /**
   * All commands in flight on a lost connection reject with the same error, which counts as one failure. Their second
   * tries count with it, since they may all wait for the same new connection.
   */
  function fail(error: unknown): void {
    if (error === last) return
    last = error
    failed++
    if (failed < failures || isOpen || isClosed) return
    isOpen = true
    schedule()
  }

  function schedule(): void {
    if (probe === undefined) retryAt = performance.now() + pause
    // A probe must not keep the process alive.
    else timer = setIdleTimeout(() => void ask(probe), pause)
  }

  /** The probing request may be cancelled, so after another pause the next one may probe as well. */
  function mayProbe(): boolean {
    if (probe !== undefined || performance.now() < retryAt) return false
    schedule()
    return true
  }

  async function ask(probe: () => Promise<void>): Promise<void> {
    try {
      await probe()
      succeed()
    } catch (error) {
      // The server answered, with refused credentials for example: let commands report that.
      if (!isOutage(error)) succeed()
      else if (isOpen) schedule()
    }
  }

  function pass<result>(result: result): result {
    if (failed > 0) succeed()
    return result
  }

  /** Not an `async` function, which would make every command about 50 % slower. */
  function observe<result>(
    command: Promise<result>,
    again?: (error: unknown) => Promise<result> | undefined,
    first?: unknown,
  ): Promise<result> {
    return command.then<result, result>(pass, (error: unknown) => {
      const second = again?.(error)
      if (second !== undefined) return observe(second, undefined, error)
      if (isOutage(error)) fail(first ?? error)
      // If it was sent, the server refused it, so the server is up. If not, the client refused it.
      else if ((error as Partial<StoreError>).sent === true) succeed()
      throw nameError(error)
    })
  }

  return {
    run(command, again) {
      if (!isOpen || mayProbe()) return observe(command(), again)
      const message =
        probe === undefined
          ? `The server did not answer before; it is asked again ${pause} ms later`
          : 'The server did not answer before; a background probe waits for it to return'
      const refused = new StoreError('unavailable', message, { sent: false })
      return Promise.reject(nameError(refused) as StoreError)
    },
    observe: (command) => observe(command()),
    close() {
      isClosed = true
      succeed()
    },
  }
}

/**
 * Whether the error means that the server does not answer. An error that a proxy reports about a server behind it does
 * not: the proxy is alive.
 */
export function isOutage(error: unknown): boolean {
  const { code, answered } = error as Partial<StoreError>
  return (code === 'unavailable' || code === 'protocol') && answered !== true
}
