import { StoreError } from '@coatcheck/core/remote'
import type { Reply } from '../client/driver.ts'
import { NotConfirmedError } from './lane.ts'
import type { Lane } from './lane.ts'
import type { Replicas } from './replicas.ts'
import type { Command, Servers } from './servers.ts'
import { Unconfirmed } from './unconfirmed.ts'

/** Reads and writes, with the confirmation of replicas for those that end something. */
export class Writes {
  readonly #servers: Servers
  readonly #replicas: Replicas
  readonly #lane: () => Lane
  readonly #prefix: string
  readonly #unconfirmed = new Unconfirmed()

  /** `lane` connects it: a store without replicas has none. */
  constructor(servers: Servers, replicas: Replicas, lane: () => Lane, prefix: string) {
    this.#prefix = prefix
    this.#servers = servers
    this.#replicas = replicas
    this.#lane = lane
  }

  read(command: Command): Promise<Reply> {
    if (this.#unconfirmed.isEmpty) return this.#servers.run(command)
    return this.#settled(command, () => this.#servers.run(command))
  }

  /** `ends`: it counts when replicas have it. */
  write(command: Command, ends: boolean): Promise<Reply> {
    const send = (): Promise<Reply> => {
      const replicas = ends ? this.#replicas.count(command.key) : 0
      if (replicas === 0) return this.#servers.run(command)
      return Promise.resolve(replicas).then((count) =>
        count === 0 ? this.#servers.run(command) : this.#confirmed(command, count),
      )
    }
    return this.#unconfirmed.isEmpty ? send() : this.#settled(command, send)
  }

  #confirmed(command: Command, replicas: number): Promise<Reply> {
    const note = (error: unknown): never => {
      if (mayBeCarriedOut(error)) this.#unconfirmed.add(command.key)
      throw error as Error
    }
    // Outside as well: the deadline of a second try may pass before its own.
    return this.#servers
      .guard(command, () => this.#runOnLane(command, replicas).catch(note))
      .catch(note)
  }

  /** A primary without its replicas may have been replaced. */
  #runOnLane(command: Command, replicas: number): Promise<Reply> {
    return this.#lane()
      .run(command, replicas)
      .catch((error: unknown) => {
        if (error instanceof NotConfirmedError) this.#servers.learn()
        throw error
      })
  }

  /** What is known to be unconfirmed is confirmed first, by a write behind it in the same slot. */
  async #settled(command: Command, run: () => Promise<Reply>): Promise<Reply> {
    const { key } = command
    if (this.#unconfirmed.has(key)) {
      const mark = `${this.#prefix}sync:{${key}}`
      const args = ['set', mark, '', 'px', '1000']
      const sync = { key: mark, args, isRead: false, isSync: true } as const
      const replicas = await this.#replicas.count(key)
      if (replicas > 0) await this.#servers.guard(sync, () => this.#runOnLane(sync, replicas))
      this.#unconfirmed.delete(key)
    }
    return run()
  }
}

/** Also if its answer was lost. A server that refused it, as one that is full, has carried nothing out. */
function mayBeCarriedOut(error: unknown): boolean {
  if (!(error instanceof StoreError) || error instanceof NotConfirmedError) return true
  return error.sent && !error.answered
}
