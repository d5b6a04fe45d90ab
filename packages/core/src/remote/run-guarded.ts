import { isOutage } from './breaker.ts'
import type { Breaker } from './breaker.ts'
import { loopTime } from './loop-clock.ts'
import type { StoreError } from './store-error.ts'
import { withDeadline } from './with-deadline.ts'

/**
 * Runs a command behind the breaker of its server, with a second try where that is safe. Both share one deadline.
 *
 * A command that was not sent may be tried again, and so may any read. No other command is: if the answer to a write is
 * lost, the core finds out whether it was carried out.
 */
export function runGuarded<result>(
  breaker: Breaker,
  deadline: number,
  command: () => Promise<result>,
  isRead: boolean,
): Promise<result> {
  const begun = loopTime()
  return breaker.run(command, (error) => {
    const left = deadline - (loopTime() - begun)
    return mayRepeat(error, isRead) && left > 0 ? withDeadline(left, command(), true) : undefined
  })
}

function mayRepeat(error: unknown, isRead: boolean): boolean {
  return isOutage(error) && (isRead || (error as StoreError).sent === false)
}
