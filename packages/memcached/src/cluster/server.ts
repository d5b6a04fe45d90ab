import { createBreaker } from './breaker.ts'
import { within } from '../link/deadline.ts'
import type { StoreError } from '../errors.ts'
import type { Wire } from '../protocol/client.ts'

export interface NodeOptions {
  /** Milliseconds for a command, its second try included. */
  readonly deadline: number
  /** Failures in a row after which commands are refused at once. */
  readonly failures: number
  /** Milliseconds between probes while they are. */
  readonly pause: number
}

/**
 * One memcached, with what a wire leaves to others: a second try where it cannot do harm, and a
 * breaker.
 *
 * A command that surely was not sent may be sent again. A read may be sent again in any case.
 * Nothing else: whether an `add`, a `replace` or a `delete` whose answer was lost has been carried
 * out is for the core to find out.
 */
export function createNode(wire: Wire, { deadline, failures, pause }: NodeOptions): Wire {
  const breaker = createBreaker({ failures, pause, probe: () => wire.check() })

  function run<result>(command: () => Promise<result>, isHarmless: boolean): Promise<result> {
    const begun = performance.now()
    return breaker.run(command, (error) => {
      const left = deadline - (performance.now() - begun)
      // What is left of the first try's time is the second one's.
      return mayRepeat(error, isHarmless) && left > 0 ? within(left, command(), true) : undefined
    })
  }

  return {
    get: (key, ttl) => run(() => wire.get(key, ttl), true),
    add: (key, value, ttl) => run(() => wire.add(key, value, ttl), false),
    replace: (key, value, ttl, cas) => run(() => wire.replace(key, value, ttl, cas), false),
    delete: (key, cas) => run(() => wire.delete(key, cas), false),
    check: () => breaker.observe(() => wire.check()),
    close() {
      breaker.close()
      wire.close()
    },
  }
}

function mayRepeat(error: unknown, isHarmless: boolean): boolean {
  const { code, sent } = error as Partial<StoreError>
  return (code === 'unavailable' || code === 'protocol') && (isHarmless || sent === false)
}
