import type { Socket } from 'node:net'
import { Client, Header, type Response, Server } from 'memjs'
import type { ServerAddress } from './address.ts'
import { StoreError } from './errors.ts'

/** One command of the binary protocol. */
export interface Request {
  readonly opcode: number
  readonly key?: string
  /** The numbers in front of the key: flags and expiry, or the expiry alone. */
  readonly extras?: readonly number[]
  readonly value?: Uint8Array
  readonly cas?: Uint8Array | undefined
}

/**
 * One connection through memjs, for one life. A `memjs.Server` would connect again by itself, but
 * with the bytes that the last connection left behind, so that an answer of then may be taken for
 * one of now. Here it is given up with its connection: at the first error, missed deadline or end.
 */
export class MemjsConnection {
  readonly #client: Client
  readonly #server: Server
  readonly #deadline: number
  #socket: Socket | undefined
  #failed = false
  #inFlight = 0
  /** Random, so that nobody knows what to forge; below 2^31, where memjs's own numbers go wrong. */
  #opaque = Math.floor(Math.random() * 2 ** 30)

  /** `deadline`: milliseconds for each command, connecting included. */
  constructor({ host, port }: ServerAddress, deadline: number) {
    this.#deadline = deadline
    // memjs takes a silent socket for a missed deadline; ours come first.
    const timeout = (4 * deadline) / 1000
    this.#server = new Server(host, port, undefined, undefined, { timeout, conntimeout: timeout })
    // Else MEMCACHE_USERNAME and MEMCACHE_PASSWORD in the environment would turn on SASL.
    Object.assign(this.#server, { username: undefined, password: undefined })
    this.#client = new Client([this.#server], { retries: 1, failover: false, logger: { log() {} } })
    this.#server.sock(false, (socket) => this.#connected(socket))
  }

  /** Whether it takes commands: it is connected, or about to be. */
  get alive(): boolean {
    return !this.#failed
  }

  /** Settles within the deadline; a rejection is a `StoreError`. Copies the value at once. */
  request(request: Request): Promise<Response> {
    const opaque = this.#nextOpaque()
    const frame = frameOf(request, opaque)
    return new Promise((resolve, reject) => {
      if (this.#inFlight++ === 0) this.#socket?.ref()
      let settled = false
      const timer = setTimeout(() => {
        // If it was us who were busy, the answer lies in the socket: read it before giving up.
        setImmediate(() => {
          if (!settled) this.#fail(this.#fault(`No answer within ${this.#deadline} ms`))
        })
      }, this.#deadline).unref()
      this.#client.perform('', frame, opaque, (error: unknown, response: Response | null) => {
        settled = true
        clearTimeout(timer)
        if (--this.#inFlight === 0) this.#socket?.unref()
        if (response === null) {
          this.#failed = true
          reject(this.#faultOf(error))
        } else if (isAnswer(response, request)) {
          resolve(response)
        } else {
          const message = 'The node gave an answer to another command'
          const fault = new StoreError('protocol', message, { sent: true })
          reject(fault)
          this.#fail(fault)
        }
      })
    })
  }

  /** Ends the connection; what is in flight fails. */
  close(): void {
    this.#fail(this.#fault('The connection was closed'))
  }

  #connected(socket: Socket): void {
    this.#socket = socket
    if (this.#inFlight === 0) socket.unref()
    // memjs forgets about commands in flight when the node hangs up without an error.
    socket.once('close', () => this.#fail(this.#fault('The node closed the connection')))
    // memjs would connect again between an error and the end that follows it.
    socket.once('error', (error) => this.#fail(this.#faultOf(error)))
  }

  #fail(fault: StoreError): void {
    if (this.#failed) return
    this.#failed = true
    this.#server.error(fault)
  }

  #nextOpaque(): number {
    this.#opaque = (this.#opaque + 1) % 2 ** 31
    return this.#opaque
  }

  #fault(message: string, cause?: unknown): StoreError {
    const sent = this.#socket !== undefined
    const details = cause === undefined ? { sent } : { sent, cause }
    const said = textOf(this.#server.responseBuffer)
    if (said === undefined) return new StoreError('unavailable', message, details)
    const code = said.includes('Too many open connections') ? 'overloaded' : 'config'
    return new StoreError(code, `The node answered in text: ${said}`, details)
  }

  /** memjs hands on errors of the socket, and texts of its own. */
  #faultOf(error: unknown): StoreError {
    if (error instanceof StoreError) return error
    if (typeof error === 'string' && /authentication/.test(error)) {
      return new StoreError('auth', 'The node wants a login', { sent: true, cause: error })
    }
    const reason = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown'
    return this.#fault(`The connection failed (${reason})`, error)
  }
}

function frameOf({ opcode, key = '', extras = [], value, cas }: Request, opaque: number): Buffer {
  const extrasLength = 4 * extras.length
  const head = Buffer.alloc(extrasLength + key.length)
  extras.forEach((number, index) => head.writeUInt32BE(number, 4 * index))
  head.write(key, extrasLength, 'latin1')
  const header = Header.toBuffer({
    magic: 0x80,
    opcode,
    keyLength: key.length,
    extrasLength,
    totalBodyLength: head.length + (value?.length ?? 0),
    opaque,
  })
  if (cas !== undefined) header.set(cas, 16)
  return Buffer.concat(value === undefined ? [header, head] : [header, head, value])
}

function isAnswer({ header }: Response, { opcode }: Request): boolean {
  return header.magic === 0x81 && header.opcode === opcode
}

/** What the node said instead of a frame: memcached refuses a connection too many in plain text. */
function textOf(bytes: Buffer): string | undefined {
  if (bytes.length === 0 || bytes[0] === 0x81) return undefined
  return bytes.toString('latin1', 0, 80).replace(/[^ -~]+/g, ' ').trim()
}
