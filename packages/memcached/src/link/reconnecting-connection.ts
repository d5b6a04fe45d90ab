import { StoreError } from '../errors.ts'
import type { Command, Reply } from './codec.ts'
import type { Link } from './connection.ts'

/**
 * The line to one node: its link, and a new one at the first command after the last has ended. No
 * command moves from one link to the next.
 */
export class Line<reply extends Reply> {
  readonly #connect: () => Link<reply>
  #link: Link<reply> | undefined
  #closed = false

  constructor(connect: () => Link<reply>) {
    this.#connect = connect
  }

  /** Whether its link takes commands. */
  get alive(): boolean {
    return this.#link?.alive === true
  }

  submit<result>(command: Command<reply, result>): Promise<result> {
    if (this.#link?.alive) return this.#link.submit(command)
    if (this.#closed) {
      return Promise.reject(new StoreError('unavailable', 'The store was closed', { sent: false }))
    }
    this.#link = this.#connect()
    return this.#link.submit(command)
  }

  /** Final, where `close()` of memjs connects again in silence (defect 17). */
  close(): void {
    this.#closed = true
    this.#link?.close()
  }
}
