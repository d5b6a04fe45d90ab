import { isolatesRequests } from '../runtime.ts'
import { clearIdleTimeout, restart, setIdleTimeout } from '../timers.ts'
import type { IdleTimer } from '../timers.ts'

/** Milliseconds between two ticks of the clock. */
const lookEvery = 25

/** The most milliseconds that count between two ticks. An idle loop ticks every 25 to 27 ms. */
const mostPerLook = 30

let passed = 0
let lookedAt = performance.now()
let timer: IdleTimer | undefined
let holders = 0

/** In runtimes that isolate requests, a timer serves only one request, and the clock stands still while code runs. */
const isOrdinary = isolatesRequests()

/**
 * A clock in milliseconds for server deadlines. A process that is blocked by synchronous work, or gets no CPU, cannot
 * read an answer. So while the clock is held, at most `mostPerLook` counts per turn of the event loop: a turn of two
 * seconds counts as 30 ms, and then the loop reads what has arrived. While it is not held, it is an ordinary clock.
 */
export function loopTime(): number {
  return passed + sinceLook()
}

/** Makes the clock watch the event loop until `release`. */
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
