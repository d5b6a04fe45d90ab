import { StoreError } from './store-error.ts'
import { Alarm } from './alarm.ts'
import { loopTime } from './loop-clock.ts'

/**
 * The result of `work`, or the error `unavailable` if it takes longer than that on the `loopTime` clock. The work is
 * not cancelled, but a late result is ignored. `sent`: whether the command may still reach the server.
 */
export function withDeadline<result>(
  milliseconds: number,
  work: Promise<result>,
  sent: boolean,
): Promise<result> {
  return new Promise((resolve, reject) => {
    const alarm = new Alarm(() => {
      reject(new StoreError('unavailable', 'The server did not answer in time', { sent }))
    })
    alarm.set(loopTime() + milliseconds)
    work.then(resolve, reject).finally(() => alarm.clear())
  })
}
