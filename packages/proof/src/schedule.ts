import type { Prng } from './prng.ts'

/** A pending piece of work, which may run next, or after any other pending one. */
interface Pending {
  readonly label: string
  readonly due: number
  readonly fire: () => void
}

/** The order of events, determined only by a seed. Its steps are the run's logical time. */
export interface Schedule {
  readonly step: () => number
  /** The virtual clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Stops everything for this time: the clock jumps, and everything due in between is late. */
  readonly stall: (milliseconds: number) => void
  /** The clock's time without stalls, in milliseconds. */
  readonly loopTime: () => number
  /** Schedules `fire` as one of the next steps. `delay`: not before the clock has advanced this much. */
  readonly add: (label: string, fire: () => void, delay?: number) => void
  /** Resolves at one of the next steps. */
  readonly point: (label: string, delay?: number) => Promise<void>
  /** Runs until no step is left. Rejects if there are too many. */
  readonly run: () => Promise<void>
}

/** Ten times the steps of the longest run; more indicates an endless loop. */
const maxSteps = 20_000

const start = Date.UTC(2030, 0, 1)

/**
 * How the next step is chosen. `any` pending one: finds races within a few steps. `latency`: the one whose random
 * number of steps ends first; finds races in which one party is delayed for long. `time`: a slow store and an idle
 * event loop, where what is due first runs first, and every command and reply takes up to 400 ms.
 */
export type Order = 'any' | 'latency' | 'time'

/** The longest time of a command or reply in the order `time`, in milliseconds. */
export const slowest = 400

export function createSchedule(prng: Prng, trace: (line: string) => void, order: Order): Schedule {
  const pending: Pending[] = []
  let step = 0
  let clock = start
  let stalled = 0

  function latency(): number {
    return prng.chance(0.15) ? prng.below(2000) : prng.below(40)
  }

  function dueAfter(delay: number): number {
    if (order === 'latency') return step + latency()
    if (order === 'any') return clock + delay
    // A timer fires when it is due.
    return clock + (delay === 0 ? prng.below(slowest) : delay)
  }

  function add(label: string, fire: () => void, delay = 0): void {
    pending.push({ label, due: dueAfter(delay), fire })
  }

  function choose(): number {
    if (order === 'any') return prng.below(pending.length)
    let first = 0
    for (let at = 1; at < pending.length; at++) {
      if ((pending[at] as Pending).due < (pending[first] as Pending).due) first = at
    }
    return first
  }

  function take(): void {
    const at = choose()
    const chosen = pending[at] as Pending
    pending[at] = pending[pending.length - 1] as Pending
    pending.pop()
    step++
    clock += prng.below(order === 'time' ? 2 : 3)
    if (order !== 'latency' && clock < chosen.due) clock = Math.ceil(chosen.due)
    trace(`${step} +${clock - start} ms: ${chosen.label}`)
    chosen.fire()
  }

  return {
    step: () => step,
    now: () => clock,
    stall(milliseconds) {
      clock += milliseconds
      stalled += milliseconds
    },
    loopTime: () => clock - start - stalled,
    add,
    point: (label, delay) => new Promise((resolve) => add(label, resolve, delay)),
    run: () =>
      new Promise((resolve, reject) => {
        const turn = (): void => {
          if (pending.length === 0) return resolve()
          if (step >= maxSteps) return reject(new Error(`no end after ${maxSteps} steps`))
          take()
          afterMicrotasks(turn)
        }
        afterMicrotasks(turn)
      }),
  }
}

/**
 * Node runs a `nextTick` requested by a microtask only when no microtask is left. So all consequences of a step happen
 * before the next one, without the cost of an event-loop turn.
 */
function afterMicrotasks(next: () => void): void {
  queueMicrotask(() => process.nextTick(next))
}
