import type { SessionStore } from '@coatcheck/core'

/** A command that waits to be let through. */
interface Parked {
  readonly player: number
  readonly label: string
  readonly go: () => Promise<void>
}

/** One of those who act at the same time. `store`: the records, each command through the turnstile. */
export type Play = (store: SessionStore, gate: Gate) => Promise<void>

/** Lets a step of the player's own, such as an eviction, through the turnstile. */
export type Gate = <result>(label: string, step: () => Promise<result>) => Promise<result>

/** Called for one order of the commands, which `path` names. */
export type Round = (
  play: (plays: readonly Play[]) => Promise<void>,
  path: () => string,
) => Promise<void>

/** More orders than any race of the kit has. */
const maxRounds = 3000

/**
 * Runs a race once for every order in which the commands of its players can reach the store. One command is
 * under way at a time; each player must depend on nobody but the store. Resolves with the number of orders.
 */
export async function inEveryOrder(store: SessionStore, round: Round): Promise<number> {
  let choices: number[] | null = []
  let rounds = 0
  while (choices !== null && rounds < maxRounds) {
    rounds++
    choices = await playRound(store, round, choices)
  }
  return rounds
}

/** Plays one order. Returns the choices that lead to the next one; `null` after the last. */
async function playRound(
  store: SessionStore,
  round: Round,
  given: readonly number[],
): Promise<number[] | null> {
  const taken: { choice: number; of: number }[] = []
  const labels: string[] = []
  const play = async (plays: readonly Play[]): Promise<void> => {
    const turnstile = createTurnstile(store, plays)
    for (;;) {
      const parked = await turnstile.settled()
      if (parked.length === 0) break
      const choice = Math.min(given[taken.length] ?? 0, parked.length - 1)
      taken.push({ choice, of: parked.length })
      const chosen = parked[choice] as Parked
      labels.push(chosen.label)
      await chosen.go()
    }
    await turnstile.ended()
  }
  await round(play, () => labels.join(', '))
  const last = taken.findLastIndex(({ choice, of }) => choice + 1 < of)
  if (last < 0) return null
  return taken.slice(0, last + 1).map(({ choice }, at) => (at === last ? choice + 1 : choice))
}

interface Turnstile {
  /** The commands that wait, once nobody is doing anything else; none: all have ended. */
  readonly settled: () => Promise<readonly Parked[]>
  /** Rejects if one of the players did. */
  readonly ended: () => Promise<void>
}

function createTurnstile(store: SessionStore, plays: readonly Play[]): Turnstile {
  const parked: Parked[] = []
  const running = new Set(plays.keys())

  function park<result>(
    player: number,
    label: string,
    act: () => Promise<result>,
  ): Promise<result> {
    return new Promise((resolve, reject) => {
      const waiting: Parked = {
        player,
        label: `${String.fromCharCode(65 + player)} ${label}`,
        go: async () => {
          parked.splice(parked.indexOf(waiting), 1)
          await act().then(resolve, reject)
        },
      }
      parked.push(waiting)
    })
  }

  const isBusy = (): boolean =>
    [...running].some((player) => !parked.some((waiting) => waiting.player === player))
  const act = async (play: Play, player: number): Promise<void> => {
    try {
      await play(through(store, player, park), (label, step) => park(player, label, step))
    } finally {
      running.delete(player)
    }
  }
  const ends = Promise.allSettled(plays.map(act))
  return {
    async settled() {
      do await nextTurn()
      while (isBusy())
      return parked.toSorted((left, right) => left.player - right.player)
    },
    async ended() {
      for (const end of await ends) if (end.status === 'rejected') throw end.reason
    },
  }
}

function through(
  store: SessionStore,
  player: number,
  park: <result>(player: number, label: string, act: () => Promise<result>) => Promise<result>,
): SessionStore {
  return {
    ...(store.inProcess === undefined ? {} : { inProcess: store.inProcess }),
    load: (...args) => park(player, 'load', () => store.load(...args)),
    create: (...args) => park(player, 'create', () => store.create(...args)),
    save: (...args) => park(player, 'save', () => store.save(...args)),
    delete: (...args) => park(player, 'delete', () => store.delete(...args)),
  }
}

/** A turn of the event loop, as short as the runtime has it. */
function nextTurn(): Promise<void> {
  const host = globalThis as { setImmediate?: (callback: () => void) => unknown }
  return new Promise((resolve) => {
    if (host.setImmediate) host.setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}
