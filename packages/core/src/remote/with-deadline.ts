import { StoreError } from './store-error.ts'
import { Alarm } from './alarm.ts'
import { loopTime } from './loop-clock.ts'

/**
 * The result of `work`, or `unavailable` if it takes longer on the clock `loopTime`. The work is
 * not cancelled; its late result is ignored. `sent`: whether the command may still reach the
 * server.
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
