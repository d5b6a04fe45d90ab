import type { Socket } from 'node:net'
import { isIP } from 'node:net'
import { Alarm, isolatesRequests, loopTime, StoreError } from '@coatcheck/core/remote'
import type { ConnectionSettings } from './connection-options.ts'
import { ofOneServer, resolve } from './resolve.ts'
import { openSocket, readyEvent, socketError } from './socket.ts'

/** Callbacks while a socket is opened. None is called after `cancel`. */
export interface Dialed {
  /** Deadlines start now: immediately, or once a thread resolves the server's name. */
  readonly onStart: () => void
  /** The socket is open, TLS included. `address`: the IP address, or the path of a unix socket. */
  readonly onOpen: (socket: Socket, address: string) => void
  readonly onFailure: (error: StoreError) => void
}

/**
 * Opens a socket: resolves the name once, and tries its addresses one after another. Gives up an address that does not
 * answer after a quarter of the time, to leave time for the next.
 */
export class Dial {
  readonly #settings: ConnectionSettings
  readonly #receive: (chunk: Buffer) => void
  readonly #dialed: Dialed
  readonly #attempt: Alarm
  #addresses: readonly string[] = []
  #next = 0
  #socket: Socket | undefined
  #isStarted = false
  #isDone = false

  constructor(settings: ConnectionSettings, receive: (chunk: Buffer) => void, dialed: Dialed) {
    this.#settings = settings
    this.#receive = receive
    this.#dialed = dialed
    this.#attempt = new Alarm(() => this.#tryNext())
    const { endpoint, lookup } = settings
    if ('path' in endpoint) this.#begin([endpoint.path])
    // workerd resolves names itself. Its `node:dns` queries a public server, which does not know private names.
    else if (isIP(endpoint.host) !== 0 || isolatesRequests()) this.#begin([endpoint.host])
    else {
      const start = () => this.#start()
      resolve(endpoint.host, lookup, start, (error, found) => this.#resolved(error, found))
    }
  }

  /** The address being tried. */
  get address(): string | undefined {
    return this.#addresses[this.#next - 1]
  }

  cancel(): void {
    this.#isDone = true
    this.#attempt.clear()
    this.#socket?.destroy()
  }

  #resolved(error: Error | null, found: readonly string[]): void {
    if (this.#isDone) return
    if (error !== null) return this.#fail(socketError(error, false))
    const { endpoint, proxy } = this.#settings
    try {
      this.#begin(proxy || 'path' in endpoint ? found : ofOneServer(endpoint.host, found))
    } catch (refused) {
      this.#fail(refused as StoreError)
    }
  }

  #start(): void {
    if (this.#isDone || this.#isStarted) return
    this.#isStarted = true
    this.#dialed.onStart()
  }

  #begin(addresses: readonly string[]): void {
    this.#start()
    this.#addresses = addresses
    this.#tryNext()
  }

  #tryNext(): void {
    this.#socket?.destroy()
    const address = this.#addresses[this.#next++]!
    const { deadline, connectDeadline } = this.#settings
    if (this.#next < this.#addresses.length) {
      this.#attempt.set(loopTime() + Math.min(deadline, connectDeadline) / 4)
    }
    const socket = this.#open(address)
    if (socket === undefined) return
    this.#socket = socket
      .on('error', (error) => this.#ended(socket, socketError(error, false)))
      .on('close', () => this.#ended(socket, closed()))
      .once('connect', () => this.#attempt.clear())
      .once(readyEvent(this.#settings), () => this.#opened(socket, address))
  }

  /** Some runtimes throw for options that they do not support. */
  #open(address: string): Socket | undefined {
    try {
      return openSocket(this.#settings, address, this.#receive)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const message = `This runtime cannot connect as the options say: ${reason}`
      const refused = new StoreError('config', message, { sent: false, cause: error })
      // Only after the constructor has returned.
      queueMicrotask(() => {
        if (!this.#isDone) this.#fail(refused)
      })
      return undefined
    }
  }

  #opened(socket: Socket, address: string): void {
    if (this.#isDone || socket !== this.#socket) return
    this.#isDone = true
    this.#dialed.onOpen(socket, address)
  }

  #ended(socket: Socket, error: StoreError): void {
    if (this.#isDone || socket !== this.#socket) return
    this.#attempt.clear()
    if (this.#next < this.#addresses.length) this.#tryNext()
    else this.#fail(error)
  }

  #fail(error: StoreError): void {
    this.cancel()
    this.#dialed.onFailure(error)
  }
}

function closed(): StoreError {
  return new StoreError('unavailable', 'The server closed the connection', { sent: true })
}
