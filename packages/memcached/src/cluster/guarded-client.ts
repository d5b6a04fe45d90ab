import { createBreaker, createNaming, runGuarded } from '@coatcheck/core/remote'
import type { Breaker } from '@coatcheck/core/remote'
import type { Client } from '../protocol/client.ts'

export interface GuardOptions {
  /** Milliseconds for a command, its second try included. */
  readonly deadline: number
  /** Consecutive failures that open the breaker. */
  readonly failures: number
  /** Milliseconds between probes while the breaker is open. */
  readonly pause: number
  /** The server's name in errors. Default: none. */
  readonly node?: string
}

/** One memcached server: a client with a breaker, and with a second try where that is safe. */
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

/** The same with a given breaker, which `close` also closes. */
export function guardedBy(breaker: Breaker, client: Client, deadline: number): Client {
  const run = <result>(command: () => Promise<result>, isRead: boolean) =>
    runGuarded(breaker, deadline, command, isRead)

  return {
    get: (key, ttl, known) => run(() => client.get(key, ttl, known), true),
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
