import type { SessionStore } from '@coatcheck/core'

/** A command that waits for its turn. */
interface Pending {
  /** The index of the process that sent it. */
  readonly index: number
  readonly label: string
  readonly run: () => Promise<void>
}

/** A concurrent process. Each command that it sends to `store` waits for its turn. */
export type Process = (store: SessionStore, step: Step, pause: Pause) => Promise<void>

/** Resolves when another process has had a turn, or when none can: what a process waits for before a new try. */
export type Pause = () => Promise<void>

/** Runs an operation that is not a command to the store, such as an eviction, when its turn comes. */
export type Step = <result>(label: string, operation: () => Promise<result>) => Promise<result>

/** Called once for each schedule. `run` runs the processes, `order` says which command ran when. */
export type Race = (
  run: (processes: readonly Process[]) => Promise<void>,
  order: () => string,
) => Promise<void>

/** More schedules than any scenario has. */
const maxSchedules = 3000

/**
 * Runs a race once for every order in which the commands of its processes can reach the store: every schedule.
 * One command is in flight at a time. A process may wait for the store, or in a pause, and for nothing else. Resolves with the
 * number of schedules.
 */
export async function inEveryOrder(store: SessionStore, race: Race): Promise<number> {
  let choices: number[] | null = []
  let schedules = 0
  while (choices !== null && schedules < maxSchedules) {
    schedules++
    choices = await runSchedule(store, race, choices)
  }
  return schedules
}

/** Runs one schedule. Returns the choices that lead to the next one; `null` after the last. */
async function runSchedule(
  store: SessionStore,
  race: Race,
  given: readonly number[],
): Promise<number[] | null> {
  const taken: { choice: number; of: number }[] = []
  const labels: string[] = []
  const run = async (processes: readonly Process[]): Promise<void> => {
    const scheduler = createScheduler(store, processes)
    for (;;) {
      const pending = await scheduler.pending()
      if (pending.length === 0) break
      const choice = Math.min(given[taken.length] ?? 0, pending.length - 1)
      taken.push({ choice, of: pending.length })
      const chosen = pending[choice] as Pending
      labels.push(chosen.label)
      await chosen.run()
      scheduler.resume(chosen.index)
    }
    await scheduler.ended()
  }
  await race(run, () => labels.join(', '))
  const last = taken.findLastIndex(({ choice, of }) => choice + 1 < of)
  if (last < 0) return null
  return taken.slice(0, last + 1).map(({ choice }, at) => (at === last ? choice + 1 : choice))
}

interface Scheduler {
  /** Waits until each running process has a pending command or pauses, and returns the commands; empty: all ended. */
  readonly pending: () => Promise<readonly Pending[]>
  /** This process has had a turn: the others that pause go on. */
  readonly resume: (index: number) => void
  /** Waits until all have ended. Rejects if a process did. */
  readonly ended: () => Promise<void>
}

function createScheduler(store: SessionStore, processes: readonly Process[]): Scheduler {
  const pending: Pending[] = []
  const running = new Set(processes.keys())
  const paused = new Map<number, () => void>()

  function enqueue<result>(
    index: number,
    label: string,
    act: () => Promise<result>,
  ): Promise<result> {
    return new Promise((resolve, reject) => {
      const waiting: Pending = {
        index,
        label: `${String.fromCharCode(65 + index)} ${label}`,
        run: async () => {
          pending.splice(pending.indexOf(waiting), 1)
          await act().then(resolve, reject)
        },
      }
      pending.push(waiting)
    })
  }

  function resume(turn: number | null): void {
    for (const [index, goOn] of Array.from(paused)) {
      if (index === turn) continue
      paused.delete(index)
      goOn()
    }
  }

  const pause = (index: number): Promise<void> =>
    new Promise((resolve) => void paused.set(index, resolve))
  const isBusy = (): boolean =>
    [...running].some(
      (index) => !paused.has(index) && !pending.some((waiting) => waiting.index === index),
    )
  const start = async (process: Process, index: number): Promise<void> => {
    try {
      await process(
        scheduled(store, index, enqueue),
        (label, operation) => enqueue(index, label, operation),
        () => pause(index),
      )
    } finally {
      running.delete(index)
    }
  }
  const ends = Promise.allSettled(processes.map(start))
  return {
    resume,
    async pending() {
      for (;;) {
        do await nextTurn()
        while (isBusy())
        if (pending.length > 0 || paused.size === 0) break
        resume(null)
      }
      return pending.toSorted((left, right) => left.index - right.index)
    },
    async ended() {
      for (const end of await ends) if (end.status === 'rejected') throw end.reason
    },
  }
}

/** The store, with each command delayed until its turn. */
function scheduled(
  store: SessionStore,
  index: number,
  enqueue: <result>(index: number, label: string, act: () => Promise<result>) => Promise<result>,
): SessionStore {
  return {
    ...(store.inProcess === undefined ? {} : { inProcess: store.inProcess }),
    load: (...args) => enqueue(index, 'load', () => store.load(...args)),
    create: (...args) => enqueue(index, 'create', () => store.create(...args)),
    save: (...args) => enqueue(index, 'save', () => store.save(...args)),
    delete: (...args) => enqueue(index, 'delete', () => store.delete(...args)),
  }
}

/** The shortest turn of the event loop that the runtime has. */
function nextTurn(): Promise<void> {
  const host = globalThis as { setImmediate?: (callback: () => void) => unknown }
  return new Promise((resolve) => {
    if (host.setImmediate) host.setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}
