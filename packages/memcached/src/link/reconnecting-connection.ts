import { StoreError } from '@coatcheck/core/remote'
import type { Command, Line, Reply } from './command.ts'
import type { Connection } from './connection.ts'

/**
 * A connection that is replaced by a new one at the first command after it has ended, idled for too
 * long or retired. A command never moves from one connection to the next.
 */
export class ReconnectingConnection<reply extends Reply> implements Line<reply> {
  readonly #connect: () => Connection<reply>
  #connection: Connection<reply> | undefined
  #closed = false

  constructor(connect: () => Connection<reply>) {
    this.#connect = connect
  }

  /** Whether the next command uses the current connection. */
  get alive(): boolean {
    return this.#connection?.alive === true
  }

  submit<result>(command: Command<reply, result>): Promise<result> {
    if (this.#connection?.alive) return this.#connection.submit(command)
    if (this.#closed) {
      return Promise.reject(new StoreError('unavailable', 'The store was closed', { sent: false }))
    }
    this.#connection?.retire()
    this.#connection = this.#connect()
    return this.#connection.submit(command)
  }

  /** Closes it for good. memjs silently reconnects after `close()` (defect 17). */
  close(): void {
    this.#closed = true
    this.#connection?.close()
  }
}
