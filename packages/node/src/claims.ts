import type { ServerResponse } from 'node:http'
import { checkLateHeader } from './check.ts'

/**
 * Makes a held response report that it was sent, as it would without the hold. Frameworks check this before they answer
 * an error, and would otherwise answer twice.
 */
export class Claims {
  readonly #response: ServerResponse
  /** Restores the original properties. */
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
    // Node derives it from `finished`, but nothing has been written yet.
    this.#claim(response, 'writableFinished', false)
    const { socket } = response
    // HTTP/2 has none once the visitor has gone.
    if (!socket) return
    // After an error, Express destroys the socket of a response that was sent. This one is still held, so destroying
    // waits until it is finished.
    const { destroy } = socket
    this.#claim(socket, 'destroy', (error?: Error) => {
      if (error || response.destroyed) return destroy.call(socket, error)
      response.once('finish', () => socket.destroySoon())
      return socket
    })
  }

  /** Removes the claims, so that Node can send the response. */
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
