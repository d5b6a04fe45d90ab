import { StoreError } from '@coatcheck/core/remote'
import type { Reply } from '../client/driver.ts'
import { NotConfirmedError } from './lane.ts'
import type { Lane } from './lane.ts'
import type { Replicas } from './replicas.ts'
import type { Command, Servers } from './servers.ts'
import { Unconfirmed } from './unconfirmed.ts'

/** Reads and writes, with confirmation by replicas for writes that end something. */
export class Writes {
  readonly #servers: Servers
  readonly #replicas: Replicas
  readonly #lane: () => Lane
  readonly #unconfirmed = new Unconfirmed()

  /** `lane` opens the lane on first use, so a store without replicas has none. */
  constructor(servers: Servers, replicas: Replicas, lane: () => Lane) {
    this.#servers = servers
    this.#replicas = replicas
    this.#lane = lane
  }

  read(command: Command): Promise<Reply> {
    return this.#unconfirmed.has(command.key) ? this.#settled(command) : this.#servers.run(command)
  }

  /** `ends`: must be confirmed by replicas. */
  write(command: Command, ends: boolean): Promise<Reply> {
    if (this.#unconfirmed.has(command.key)) return this.#settled(command)
    return ends ? this.#confirmed(command) : this.#servers.run(command)
  }

  /**
   * The reply counts only if replicas have the earlier write: the primary alone cannot know whether that write will
   * survive.
   */
  async #settled(command: Command): Promise<Reply> {
    const reply = await this.#confirmed({ ...command, settles: true })
    this.#unconfirmed.delete(command.key)
    return reply
  }

  #confirmed(command: Command): Promise<Reply> {
    const replicas = this.#replicas.count(command.key)
    if (replicas === 0) return this.#servers.run(command)
    return Promise.resolve(replicas).then((count) =>
      count === 0 ? this.#servers.run(command) : this.#onLane(command, count),
    )
  }

  #onLane(command: Command, replicas: number): Promise<Reply> {
    const note = (error: unknown): never => {
      if (!command.isRead && mayBeCarriedOut(error)) this.#unconfirmed.add(command.key)
      throw error as Error
    }
    // Also outside the guard, because the deadline of a second try may pass before its own. A read is not retried,
    // because WAIT has already waited.
    return this.#servers
      .guard({ key: command.key, isRead: false }, () =>
        this.#runOnLane(command, replicas).catch(note),
      )
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
}

/**
 * Also if its reply was lost. A server that refused the command, for example because it is full, has executed nothing.
 */
function mayBeCarriedOut(error: unknown): boolean {
  if (!(error instanceof StoreError) || error instanceof NotConfirmedError) return true
  return error.sent && !error.answered
}
