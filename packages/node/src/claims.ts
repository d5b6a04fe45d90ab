import type { ServerResponse } from 'node:http'
import { checkLateHeader } from './check.ts'

/**
 * What a held response says of itself: that it was sent, as it would have been without a hold. Frameworks ask this before
 * they answer an error, and would else answer twice.
 */
export class Claims {
  readonly #response: ServerResponse
  /** Puts the properties back as they were. */
  readonly #restore = new Map<string, () => void>()

  constructor(response: ServerResponse) {
    this.#response = response
  }

  claimHead(): void {
    this.#claim(this.#response, 'headersSent', true)
  }

  /** Node refuses headers after the first byte. */
  claimHeaders(): void {
    for (const name of ['setHeader', 'appendHeader', 'removeHeader'] as const) {
      this.#claim(this.#response, name, () => checkLateHeader(this.#response, name))
    }
  }

  claimNeedDrain(): void {
    this.#claim(this.#response, 'writableNeedDrain', true)
  }

  claimEnd(): void {
    const response = this.#response
    this.#claim(response, 'writableNeedDrain', false)
    this.#claim(response, 'writableEnded', true)
    this.#claim(response, 'finished', true)
    // Node works it out from `finished`: nothing has been written yet.
    this.#claim(response, 'writableFinished', false)
    const { socket } = response
    if (socket === null) return
    // After an error, Express destroys the socket of an answer that was sent: the answer has left by then.
    const { destroy } = socket
    this.#claim(socket, 'destroy', (error?: Error) => {
      if (error || response.destroyed) return destroy.call(socket, error)
      response.once('finish', () => socket.destroySoon())
      return socket
    })
  }

  /** The response tells the truth again, and Node can send it. */
  drop(): void {
    for (const restore of this.#restore.values()) restore()
    this.#restore.clear()
  }

  #claim(of: object, name: string, value: unknown): void {
    if (!this.#restore.has(name)) {
      const before = Object.getOwnPropertyDescriptor(of, name)
      this.#restore.set(name, () => {
        if (before) Object.defineProperty(of, name, before)
        else Reflect.deleteProperty(of, name)
      })
    }
    Object.defineProperty(of, name, { value, configurable: true, writable: true })
  }
}
