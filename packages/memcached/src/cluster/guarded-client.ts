import { createNaming } from '../errors.ts'
import type { StoreError } from '../errors.ts'
import { loopTime } from '../link/loop-clock.ts'
import { withDeadline } from '../link/with-deadline.ts'
import type { Client } from '../protocol/client.ts'
import { createBreaker, isOutage } from './breaker.ts'
import type { Breaker } from './breaker.ts'

export interface GuardOptions {
  /** Milliseconds for a command, its second try included. */
  readonly deadline: number
  /** Consecutive failures that open the breaker. */
  readonly failures: number
  /** Milliseconds between probes while the breaker is open. */
  readonly pause: number
  /** What errors call the server. Default: nothing. */
  readonly node?: string
}

/**
 * One memcached server: a client with a second try where that is safe, and a breaker.
 *
 * A command that was not sent may be tried again, and so may any read. No other command is: if the
 * answer to an `add`, a `replace` or a `delete` is lost, the core finds out whether it was carried
 * out.
 */
export function createGuardedClient(client: Client, options: GuardOptions): Client {
  const breaker = breakerOf(options, () => client.check())
  return guardedBy(breaker, client, options.deadline)
}

/** The breaker of a server. `probe`: see `BreakerOptions`. */
export function breakerOf(
  { failures, pause, node }: GuardOptions,
  probe?: () => Promise<void>,
): Breaker {
  const naming = node === undefined ? {} : { nameError: createNaming(node) }
  return createBreaker({ failures, pause, probe, ...naming })
}

/** The same over a breaker, which `close` closes as well. */
export function guardedBy(breaker: Breaker, client: Client, deadline: number): Client {
  function run<result>(command: () => Promise<result>, isRead: boolean): Promise<result> {
    const begun = loopTime()
    return breaker.run(command, (error) => {
      // Both tries share one deadline.
      const left = deadline - (loopTime() - begun)
      return mayRepeat(error, isRead) && left > 0 ? withDeadline(left, command(), true) : undefined
    })
  }

  return {
    get: (key, ttl) => run(() => client.get(key, ttl), true),
    add: (key, value, ttl) => run(() => client.add(key, value, ttl), false),
    replace: (key, value, ttl, cas) => run(() => client.replace(key, value, ttl, cas), false),
    delete: (key, cas) => run(() => client.delete(key, cas), false),
    check: () => breaker.observe(() => client.check()),
    close() {
      breaker.close()
      client.close()
    },
  }
}

function mayRepeat(error: unknown, isRead: boolean): boolean {
  return isOutage(error) && (isRead || (error as StoreError).sent === false)
}
