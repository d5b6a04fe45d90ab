/**
 * Shared parts of networked stores: errors with stable codes, deadlines in event-loop time, a circuit breaker. Not
 * named `remote.ts`, because SvelteKit treats any file of that name as remote functions.
 */
export { Alarm } from './remote/alarm.ts'
export { createBreaker, failuresToOpen, isOutage, pauseBetweenProbes } from './remote/breaker.ts'
export type { Breaker, BreakerOptions } from './remote/breaker.ts'
export { hold, loopTime, release } from './remote/loop-clock.ts'
export { refuseOptionOf, refuseUnknownOf } from './remote/refuse-option.ts'
export { runGuarded } from './remote/run-guarded.ts'
export { createNaming, protocolError, StoreError, withSent } from './remote/store-error.ts'
export type { StoreErrorCode } from './remote/store-error.ts'
export { clearIdleTimeout, setIdleTimeout } from './timers.ts'
export type { IdleTimer } from './timers.ts'
export { withDeadline } from './remote/with-deadline.ts'
export { isolatesRequests, readVariable } from './runtime.ts'
