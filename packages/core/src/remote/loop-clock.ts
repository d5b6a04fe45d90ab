import { isolatesRequests } from '../runtime.ts'
import { clearIdleTimeout, restart, setIdleTimeout } from '../timers.ts'
import type { IdleTimer } from '../timers.ts'

/** Milliseconds between two looks at the clock. */
const lookEvery = 25

/** The most milliseconds that count between two looks. An idle loop looks every 25 to 27. */
const mostPerLook = 30

let passed = 0
let lookedAt = performance.now()
let timer: IdleTimer | undefined
let holders = 0

/** There a timer serves one request, and the clock stands still while the process works. */
const isOrdinary = isolatesRequests()

/**
 * A clock in milliseconds for deadlines of servers. A process that works synchronously, or gets no
 * CPU, cannot read an answer. So while the clock is held, time counts only up to `mostPerLook`
 * after each turn of the event loop: a turn of two seconds counts as 30 ms, and after it the loop
 * reads what has arrived. While it is not held, it is an ordinary clock.
 */
export function loopTime(): number {
  return passed + sinceLook()
}

/** Makes the clock watch the event loop, until `release`. */
export function hold(): void {
  if (!isOrdinary && holders++ === 0) start()
}

/** Ends one `hold`. */
export function release(): void {
  if (isOrdinary || --holders > 0) return
  look()
  clearIdleTimeout(timer)
  timer = undefined
}

function start(): void {
  look()
  timer = setIdleTimeout(lookAgain, lookEvery)
}

function lookAgain(): void {
  look()
  if (timer !== undefined) timer = restart(timer, lookAgain, lookEvery)
}

function look(): void {
  passed += sinceLook()
  lookedAt = performance.now()
}

function sinceLook(): number {
  const since = Math.max(0, performance.now() - lookedAt)
  return timer === undefined ? since : Math.min(since, mostPerLook)
}
