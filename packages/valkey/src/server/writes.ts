import { StoreError } from '@coatcheck/core/remote'
import type { Reply } from '../client/driver.ts'
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

  async #confirmed(command: Command, replicas: number): Promise<Reply> {
    try {
      return await this.#servers.guard(command, () => this.#lane().run(command, replicas))
    } catch (error) {
      // Also one whose answer was lost: the primary may have carried it out, and then be lost itself.
      if (!(error instanceof StoreError) || error.sent) this.#unconfirmed.add(command.key)
      throw error
    }
  }

  /** What is known to be unconfirmed is confirmed first, by a write behind it in the same slot. */
  async #settled(command: Command, run: () => Promise<Reply>): Promise<Reply> {
    const { key } = command
    if (this.#unconfirmed.has(key)) {
      const mark = `${this.#prefix}sync:{${key}}`
      const args = ['set', mark, '', 'px', '1000']
      const sync = { key: mark, args, isRead: false, isSync: true } as const
      const replicas = await this.#replicas.count(key)
      if (replicas > 0) await this.#servers.guard(sync, () => this.#lane().run(sync, replicas))
      this.#unconfirmed.delete(key)
    }
    return run()
  }
}
