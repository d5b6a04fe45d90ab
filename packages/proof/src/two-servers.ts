/**
 * Records that move from their second server to their first, under every order of commands that a seed gives. The
 * cluster is real; its servers are fakes whose commands are steps, at each of which a process may end or lose the
 * reply. Half of the schedules then add a third server, in the documented order.
 */
import { StoreError } from '@coatcheck/core/remote'
import type { Client } from '../../memcached/src/protocol/client.ts'
import { createCluster } from '../../memcached/src/cluster/cluster.ts'
import type { Cluster } from '../../memcached/src/cluster/cluster.ts'
import { OneRecordServer } from './one-record-server.ts'
import { createPrng } from './prng.ts'
import type { Prng } from './prng.ts'
import { ends, lawBrokenBy } from './two-servers-laws.ts'
import { encode, key, operations } from './two-servers-operations.ts'
import type { Done, Kind } from './two-servers-operations.ts'

export interface Moved {
  readonly schedules: number
  readonly steps: number
  readonly outcomes: Readonly<Record<string, number>>
  /** The number of schedules in which the record moved from the second server to the first. */
  readonly moved: number
  readonly broken: readonly string[]
}

/** Explores the schedules of the seeds `from` to `from + count - 1`; stops at the first that breaks a law. */
export async function exploreMoves(from: number, count: number): Promise<Moved> {
  const outcomes: Record<string, number> = {}
  let steps = 0
  let moved = 0
  for (let seed = from; seed < from + count; seed++) {
    const schedule = new Schedule(seed)
    const broken = await schedule.run()
    steps += schedule.clock
    if (schedule.hasMoved) moved++
    for (const { kind, outcome } of schedule.done) {
      const name = `${kind} ${outcome}`
      outcomes[name] = (outcomes[name] ?? 0) + 1
    }
    if (broken !== null) {
      const found = [`${seed}: ${broken}`]
      return { schedules: seed - from + 1, steps, outcomes, moved, broken: found }
    }
  }
  return { schedules: count, steps, outcomes, moved, broken: [] }
}

class Schedule {
  readonly done: Done[] = []
  clock = 0
  hasMoved = false
  readonly #prng: Prng
  /** Of the first two, 0 ranks first, and 1 had the record. 2 is added. */
  readonly #servers = [new OneRecordServer(), new OneRecordServer(), new OneRecordServer()] as const
  readonly #rankOfThree: readonly [number, number]
  readonly #clusters: Cluster[] = []
  readonly #pending: { readonly process: number; readonly go: () => void }[] = []
  readonly #ended = new Set<number>()
  readonly #hasFaults: boolean
  readonly #claimsExpire: boolean
  readonly #wipeAfter: number
  #wipedAt = Infinity
  /** A process ended after freezing the record, which was then not saved for the absolute lifetime. */
  #isLost = false
  /** A record was created with the former list, and maybe another one with the new list. */
  #isSplit = false
  #ids = 0

  constructor(seed: number) {
    this.#prng = createPrng(seed)
    this.#hasFaults = this.#prng.chance(0.5)
    const hasWipe = this.#prng.chance(0.2)
    this.#claimsExpire = this.#prng.chance(0.3)
    this.#wipeAfter = hasWipe ? this.#prng.below(30) : Infinity
    this.#rankOfThree = this.#prng.pick([
      [2, 0],
      [0, 2],
      [0, 1],
    ] as const)
  }

  /** The broken law, or null. */
  async run(): Promise<string | null> {
    const prng = this.#prng
    this.#servers[1].add(key, encode({ origin: 0, writes: [] }))
    const processes = 2 + prng.below(2)
    for (let process = 0; process < processes; process++) {
      this.#clusters.push(this.#clusterOf(process, 2, true, prng.chance(0.7)))
    }
    await this.#run()
    const grows = prng.chance(0.5)
    if (grows) await this.#grow()
    if (this.#isSplit) return this.#judge()
    return this.#judge() ?? (await this.#finish(grows ? 3 : 2))
  }

  /** Runs all processes until all commands are executed. `beforeStep` gets the number of steps so far. */
  async #run(beforeStep?: (step: number) => void): Promise<void> {
    const prng = this.#prng
    this.#ended.clear()
    for (const process of this.#clusters.keys()) void this.#work(process)
    await this.#settle()
    for (let step = 0; this.#pending.length > 0; step++) {
      beforeStep?.(step)
      if (this.clock >= this.#wipeAfter && this.#wipedAt === Infinity) {
        this.#servers[prng.below(2)]!.wipe()
        this.#wipedAt = this.clock
      }
      if (this.#claimsExpire && prng.chance(0.1))
        this.#servers[prng.pick([0, 2])]!.expire('claimed')
      const [next] = this.#pending.splice(prng.below(this.#pending.length), 1)
      this.clock++
      next!.go()
      await this.#settle()
    }
  }

  /**
   * What has not been saved for the absolute lifetime has expired. Then the third server is added while the second rank
   * is still queried; or the second rank is not queried for another absolute lifetime, and then again.
   */
  async #grow(): Promise<void> {
    const prng = this.#prng
    const [first, former] = this.#servers
    first.expire('claimed')
    former.expire(null)
    this.#isLost = first.get(key) === null
    if (prng.chance(0.5)) {
      this.#use(2, false, false)
      await this.#run()
      former.expire('frozen')
    }
    this.#use(2, true, prng.chance(0.5))
    // No law holds for a record that a process left frozen, if another moves it just as the list changes.
    if (this.#isLost) this.#use(3, true, false)
    const addedAt = prng.below(30)
    const movesAt = addedAt + prng.below(30)
    const clock = this.clock
    await this.#run((step) => {
      if (step === addedAt) this.#use(3, true, false)
      if (step === movesAt) this.#use(3, true, true)
    })
    this.#use(3, true, true)
    const at = clock + addedAt
    this.#isSplit = this.done.some(
      ({ kind, start, end }) => kind === 'create' && start <= at && end >= at,
    )
  }

  /** All processes get the list at once. Commands in progress continue with the former one. */
  #use(size: number, asksSecond: boolean, moves: boolean): void {
    for (const process of this.#clusters.keys()) {
      this.#clusters[process] = this.#clusterOf(process, size, asksSecond, moves)
    }
  }

  async #settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #work(process: number): Promise<void> {
    const operations = 1 + this.#prng.below(3)
    for (let each = 0; each < operations; each++) {
      const roll = this.#prng.below(100)
      const kind: Kind =
        roll < 50
          ? 'write'
          : roll < 75
            ? 'read'
            : roll < 83
              ? 'destroy'
              : roll < 90
                ? 'delete'
                : 'create'
      await this.#operate(kind, () => this.#clusters[process]!)
    }
  }

  async #operate(kind: Kind, cluster: () => Cluster): Promise<Done> {
    const id = ++this.#ids
    const done: Done = { kind, id, start: this.clock, end: Infinity, outcome: 'running' }
    this.done.push(done)
    try {
      done.outcome = await operations[kind](cluster, done)
      done.end = this.clock
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      done.outcome = 'unknown'
    }
    return done
  }

  #clusterOf(process: number, size: number, asksSecond: boolean, moves: boolean): Cluster {
    const servers = this.#servers.map((server) => this.#clientOf(process, server))
    const rank = () => this.#rank(size)
    return createCluster({ servers, rank, asksSecond, moves: () => moves })
  }

  #rank(size: number): readonly [number, number] {
    return size === 2 ? [0, 1] : this.#rankOfThree
  }

  #clientOf(process: number, server: OneRecordServer): Client {
    const step = <result>(work: () => result) => this.#step(process, work)
    return {
      get: (name) => step(() => server.get(name)),
      add: (name, value) => step(() => server.add(name, value)),
      replace: (name, value, _ttl, cas) => step(() => server.replace(name, value, cas)),
      delete: (name, cas) => step(() => server.delete(name, cas)),
      check: async () => undefined,
      close: () => undefined,
    }
  }

  #step<result>(process: number, work: () => result): Promise<result> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new StoreError('unavailable', 'No answer', { sent: true }))
      const go = (): void => {
        if (this.#ended.has(process)) return
        const fault = this.#hasFaults && process >= 0 ? this.#prng.below(100) : 100
        if (fault < 3) {
          if (fault === 0) work()
          this.#ended.add(process)
        } else if (fault === 3) {
          work()
          fail()
        } else if (fault === 4) {
          // Executed after the process has stopped waiting.
          this.#pending.push({ process: -1, go: () => void work() })
          fail()
        } else if (fault === 5) fail()
        else resolve(work())
      }
      this.#pending.push({ process, go })
    })
  }

  #judge(): string | null {
    const hasEnds = this.done.some(ends)
    return lawBrokenBy(this.done, !hasEnds && this.#wipedAt === Infinity && !this.#isLost)
  }

  /** What a process without faults finds, writes and ends at the end. */
  async #finish(size: number): Promise<string | null> {
    const cluster = this.#clusterOf(-1, size, true, true)
    const [first, second] = this.#rank(size).map((server) => this.#servers[server]!)
    const run = async (kind: Kind): Promise<Done> => {
      const operation = this.#operate(kind, () => cluster)
      let isEnded = false
      void operation.finally(() => (isEnded = true))
      await this.#settle()
      while (!isEnded) {
        const [next] = this.#pending.splice(0, 1)
        this.clock++
        next!.go()
        await this.#settle()
      }
      this.clock++
      return operation
    }
    await run('read')
    const { outcome } = await run('write')
    if (outcome === 'saved') {
      if (second!.hasRecord) return 'the second server still has the record'
      if (!first!.hasRecord) return 'the first server does not have the record'
      this.hasMoved = true
    }
    await run('write')
    await run(this.#prng.pick(['destroy', 'delete'] as const))
    if ((await run('read')).outcome === 'found') return 'the record was found after its end'
    if (second!.hasRecord) return 'the second server has a record after its end'
    const { outcome: created } = await run('create')
    if (created !== 'created') return `no record could be created at the end: ${created}`
    return this.#judge()
  }
}
