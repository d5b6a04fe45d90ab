import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { Answer, Site } from '../contenders/contender.ts'

/** A connection to nowhere that records what is written to it. */
class Wire extends Duplex {
  /** express and fastify treat it as https. */
  readonly encrypted = true
  readonly remoteAddress = '127.0.0.1'
  written: (string | Uint8Array)[] = []

  constructor() {
    super({ decodeStrings: false, autoDestroy: false, emitClose: false })
  }

  override _read(): void {}

  override _write(chunk: string | Uint8Array, _: unknown, done: () => void): void {
    this.written.push(chunk)
    done()
  }
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** A Node server, called with real requests and responses, but without sockets and HTTP parser. */
export function nodeSite(listener: Listener, close: () => unknown = () => {}): Site {
  const wires: Wire[] = []
  return {
    send: (lane, route, cookie, query) =>
      new Promise((resolve) => {
        const wire = (wires[lane] ??= new Wire())
        wire.written = []
        const socket = wire as unknown as Socket
        const request = new IncomingMessage(socket)
        request.method = 'GET'
        request.url = query === undefined ? `/${route}` : `/${route}?${query}`
        request.httpVersionMajor = 1
        request.httpVersionMinor = 1
        request.httpVersion = '1.1'
        const headers = ['Host', 'app.example']
        if (cookie !== undefined) headers.push('Cookie', cookie)
        takeHeaders(request, headers)
        request.push(null)
        request.complete = true
        const response = new ServerResponse(request)
        response.assignSocket(socket)
        response.once('finish', () => {
          response.detachSocket(socket)
          resolve(answerOf(response.statusCode, wire.written))
        })
        listener(request, response)
      }),
    close,
  }
}

/** As in Node's HTTP parser: the raw list is kept, and parsed when a header is read. */
function takeHeaders(request: IncomingMessage, headers: readonly string[]): void {
  const parsed = request as IncomingMessage & {
    _addHeaderLines(headers: readonly string[], count: number): void
  }
  parsed._addHeaderLines(headers, headers.length)
}

function answerOf(status: number, written: readonly (string | Uint8Array)[]): Answer {
  const whole = () => written.map((chunk) => Buffer.from(chunk).toString('latin1')).join('')
  return {
    status,
    setCookies: () =>
      [...headOf(whole()).matchAll(/^set-cookie: (.*)\r$/gim)].map(([, all]) => all!),
    async text() {
      const head = headOf(whole())
      const body = whole().slice(head.length + 2)
      return /^transfer-encoding: chunked\r$/im.test(head) ? joinChunks(body) : body
    },
  }
}

/** Up to the empty line, without it. */
function headOf(whole: string): string {
  return whole.slice(0, whole.indexOf('\r\n\r\n') + 2)
}

/** The body of `5\r\nhello\r\n0\r\n\r\n`. */
function joinChunks(body: string): string {
  const end = body.indexOf('\r\n')
  const size = Number.parseInt(body.slice(0, end), 16)
  if (!(size > 0)) return ''
  return body.slice(end + 2, end + 2 + size) + joinChunks(body.slice(end + 2 + size + 2))
}
