import { setImmediate as turn } from 'node:timers/promises'
import type { SessionStore } from '@coatcheck/core'
import { movingStore } from '@coatcheck/valkey'
import { isHistoryOfOneStore } from './moving-history.ts'
import type { MovingOp } from './moving-history.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'

type Place = SessionStore<unknown>

interface Command {
  readonly process: number
  readonly run: () => void
}

const id = 'a'
const later = 2 ** 50
/** Longer than a claim lives. */
const pause = 120_000

/**
 * Two to four processes in both steps of a move work on one record, in an order given by the seed; some pause for long.
 * Returns what a single store would not have done.
 */
export async function runMovingSchedule(seed: number): Promise<string | null> {
  const prng = createPrng(seed)
  const world = new World(prng)
  world.large = prng.chance(0.3) ? 0.4 : 0
  const initial = prng.chance(0.5) ? world.write('old') : null
  const count = 2 + prng.below(3)
  for (let process = 0; process < count; process++) {
    void world.work(process, world.open(process, prng.chance(0.6)), 1 + prng.below(3))
  }
  world.losses = prng.chance(0.3) ? 0.05 : 0
  const stopped = prng.chance(0.6) ? prng.below(count) : null
  await world.run(stopped)
  const { losses } = world
  world.losses = 0
  world.large = 0
  const said = await world.look(count, 2)
  if (said !== null) return said
  // The stopped process's commands arrive now, or after its claim has expired.
  if (prng.chance(0.5)) world.now += pause
  world.losses = losses
  await world.run(null)
  world.losses = 0
  const late = await world.look(count + 4, 1)
  if (late !== null) return late
  return isHistoryOfOneStore(world.ops, initial) ? null : JSON.stringify(world.ops)
}

class World {
  readonly ops: MovingOp[] = []
  now = 1_000_000
  /** The probability that the reply to a command is lost. */
  losses = 0
  /** The probability that the new store refuses a record. */
  large = 0
  readonly #prng: Prng
  readonly #waiting: Command[] = []
  readonly #places: Readonly<Record<'old' | 'new', Map<string, Stored>>>
  /** Which process goes first, in schedules that are not purely random. */
  #order: number[] = []
  #clock = 0
  #values = 0
  #versions = 0

  constructor(prng: Prng) {
    this.#prng = prng
    this.#places = { old: new Map(), new: new Map() }
    if (prng.chance(0.7)) this.#order = Array.from({ length: 12 }, () => prng.word())
  }

  /** Puts a record into a store, as another release has done. */
  write(name: 'old' | 'new'): string {
    const value = this.#newValue()
    const bytes = Buffer.from(value)
    this.#places[name].set(id, { bytes, version: ++this.#versions, expiresAt: later })
    return value
  }

  open(process: number, isMoving: boolean): SessionStore {
    const [from, to] = [this.#place('old', process), this.#place('new', process)]
    return movingStore({ from, to, isMoving, now: () => this.now })
  }

  async work(process: number, store: SessionStore, turns: number): Promise<void> {
    for (let at = 0; at < turns; at++) await this.#visit(store)
  }

  /** Executes one command after another. One process may stop, even within an operation. */
  async run(stopped: number | null): Promise<void> {
    let left = stopped === null ? Infinity : this.#prng.below(10)
    for (;;) {
      await turn()
      const ready = this.#waiting.filter(({ process }) => process !== stopped || left > 0)
      if (ready.length === 0) return
      const command = this.#choose(ready)
      if (command.process === stopped) left--
      this.#waiting.splice(this.#waiting.indexOf(command), 1)
      command.run()
    }
  }

  /** New processes read, and create what is missing: stopped processes must not prevent that. */
  async look(process: number, count: number): Promise<string | null> {
    for (let at = 0; at < count; at++) {
      for (const isMoving of [false, true]) {
        const own = process + 2 * at + Number(isMoving)
        const looking = this.#look(this.open(own, isMoving))
        await this.#only(own)
        const said = await looking
        if (said !== null) return said
      }
    }
    return null
  }

  async #look(store: SessionStore): Promise<string | null> {
    const found = await this.#load(store)
    if (found === 'failed') return 'a load alone failed'
    if (found !== null || this.#prng.chance(0.5)) return null
    const created = await this.#create(store)
    return created === 'created' ? null : `a process that stopped holds up a creation: ${created}`
  }

  async #only(process: number): Promise<void> {
    for (let isBusy = true; isBusy;) {
      await turn()
      const at = this.#waiting.findIndex((command) => command.process === process)
      isBusy = at >= 0
      if (isBusy) this.#waiting.splice(at, 1)[0]!.run()
    }
  }

  async #visit(store: SessionStore): Promise<void> {
    const chance = this.#prng.below(10)
    if (chance < 2) {
      await this.#note('end', null, async () => {
        await store.delete(id)
        return 'deleted'
      })
      return
    }
    const found = await this.#load(store)
    if (found === 'failed' || chance === 2) return
    if (found === null) return void (await this.#create(store))
    const { version, bytes } = found
    const expected = Buffer.from(bytes).toString()
    if (chance < 5)
      return void (await this.#note('delete', expected, () => store.delete(id, version)))
    await this.#note('save', expected, (value) => store.save(id, value, later, version))
  }

  #create(store: SessionStore): Promise<string | null> {
    return this.#note('create', null, async (value) =>
      (await store.create(id, value, later)) ? 'created' : 'not created',
    )
  }

  async #load(store: SessionStore): Promise<Awaited<ReturnType<Place['load']>> | 'failed'> {
    let found: Awaited<ReturnType<Place['load']>> = null
    const result = await this.#note('load', null, async () => {
      found = await store.load(id)
      return found === null ? null : Buffer.from(found.bytes).toString()
    })
    return result === 'failed' ? 'failed' : found
  }

  async #note(
    what: MovingOp['what'],
    expected: string | null,
    run: (value: Uint8Array) => Promise<string | null>,
  ): Promise<string | null> {
    const value = this.#newValue()
    const start = ++this.#clock
    const result = await run(Buffer.from(value)).catch(() => 'failed')
    const end = result === 'failed' ? Infinity : ++this.#clock
    this.ops.push({ what, start, end, expected, value, result })
    return result
  }

  #newValue(): string {
    const size = this.large > 0 && this.#prng.chance(this.large) ? 'large' : 'small'
    return `${size} value ${++this.#values}`
  }

  #choose(ready: readonly Command[]): Command {
    const { below, chance, pick, word } = this.#prng
    if (this.#order.length === 0) return pick(ready)
    if (chance(0.15)) this.#order[below(this.#order.length)] = word()
    const rank = ({ process }: Command): number => this.#order[process] ?? 0
    return ready.reduce((first, command) => (rank(command) > rank(first) ? command : first))
  }

  /** A store whose commands each execute at a moment of the schedule. */
  #place(name: 'old' | 'new', process: number): SessionStore {
    const records = this.#places[name]
    const at = <result>(run: () => result, bytes?: Uint8Array): Promise<result> =>
      new Promise((resolve, reject) => {
        const isRefused = name === 'new' && bytes !== undefined && isLarge(bytes)
        const runNow = (): void => {
          if (isRefused) return reject(tooLarge)
          const result = run()
          if (this.losses > 0 && this.#prng.chance(this.losses)) reject(new Error('lost'))
          else resolve(result)
        }
        this.#waiting.push({ process, run: runNow })
      })
    const find = (): Stored | undefined => {
      const found = records.get(id)
      return found !== undefined && found.expiresAt > this.now ? found : undefined
    }
    const put = (bytes: Uint8Array, expiresAt: number): void =>
      void records.set(id, { bytes, expiresAt, version: ++this.#versions })
    return {
      load: () => at(() => find() ?? null),
      create: (_id, bytes, expiresAt) =>
        at(() => {
          const isFree = find() === undefined
          if (isFree) put(bytes, expiresAt)
          return isFree
        }, bytes),
      save: (_id, bytes, expiresAt, version) =>
        at(() => {
          const found = find()
          if (found === undefined) return 'missing'
          if (found.version !== version) return 'conflict'
          put(bytes, expiresAt)
          return 'saved'
        }, bytes),
      delete: (_id, version) =>
        at(() => {
          const found = find()
          if (found === undefined) return 'missing'
          if (version !== undefined && found.version !== version) return 'conflict'
          records.delete(id)
          return 'deleted'
        }),
    }
  }
}

const tooLarge = Object.assign(new Error('too large'), { code: 'too-large' })

function isLarge(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).toString('latin1').startsWith('large')
}

interface Stored {
  readonly bytes: Uint8Array
  readonly version: number
  readonly expiresAt: number
}
