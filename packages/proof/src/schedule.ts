import type { Prng } from './prng.ts'

/** A piece of work that may happen now, or later than any other that waits beside it. */
interface Pending {
  readonly label: string
  readonly due: number
  readonly fire: () => void
}

/** The order of events, decided by a seed alone. Its steps are the run's logical time. */
export interface Schedule {
  readonly step: () => number
  /** The virtual clock, in milliseconds since 1970. */
  readonly now: () => number
  readonly advance: (milliseconds: number) => void
  /** Lets `fire` be one of the next steps. `delay`: not before the clock shows that much more. */
  readonly add: (label: string, fire: () => void, delay?: number) => void
  /** Resolves at one of the next steps. */
  readonly point: (label: string, delay?: number) => Promise<void>
  /** Takes steps until no step is left. Rejects if there are too many. */
  readonly run: () => Promise<void>
}

/** Ten times as many steps as the longest run takes: more mean an endless loop. */
const maxSteps = 20_000

const start = Date.UTC(2030, 0, 1)

/**
 * Two ways to choose the next step: any of those that wait, or the one whose random latency ends first. The
 * first finds races of a few steps, the second those in which one party is held up for long. `pace`: how fast the
 * clock goes.
 */
export function createSchedule(prng: Prng, trace: (line: string) => void, pace = 1): Schedule {
  const pending: Pending[] = []
  const byLatency = prng.chance(0.5)
  let step = 0
  let clock = start

  function latency(): number {
    return prng.chance(0.15) ? prng.below(2000) : prng.below(40)
  }

  function add(label: string, fire: () => void, delay = 0): void {
    const due = byLatency ? step + latency() : clock + delay
    pending.push({ label, due, fire })
  }

  function choose(): number {
    if (!byLatency) return prng.below(pending.length)
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
    clock += prng.below(3) * pace
    if (!byLatency && clock < chosen.due) clock = Math.ceil(chosen.due)
    trace(`${step} +${clock - start} ms: ${chosen.label}`)
    chosen.fire()
  }

  return {
    step: () => step,
    now: () => clock,
    advance: (milliseconds) => void (clock += milliseconds),
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
 * Node runs a `nextTick` that a microtask asked for when no microtask is left: so all that follows from a
 * step has happened before the next one, without the cost of a turn of the event loop.
 */
function afterMicrotasks(next: () => void): void {
  queueMicrotask(() => process.nextTick(next))
}
