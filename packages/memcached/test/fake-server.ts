import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** A TCP server under full control, for behaviour that a real memcached cannot be made to show. */
export interface FakeServer {
  readonly port: number
  /** Connections that are open now. */
  open(): number
  /** Connections that were accepted so far. */
  accepted(): number
  close(): Promise<void>
}

/**
 * Listens on 127.0.0.1. `serve` handles each connection; `nth` counts them from 1. `closes`:
 * whether it ends its side after the client has ended its own.
 */
export async function startFakeServer(
  serve: (socket: Socket, nth: number) => void,
  { closes = true }: { readonly closes?: boolean } = {},
): Promise<FakeServer> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    if (closes) socket.on('end', () => socket.destroy())
    socket.resume()
    serve(socket, ++accepted)
  })
  await listening(server)
  return {
    port: (server.address() as { port: number }).port,
    open: () => sockets.size,
    accepted: () => accepted,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** One connection through a proxy. */
export interface ProxiedPath {
  readonly client: Socket
  readonly memcached: Socket
  /** Bytes of answers since the fault began. */
  answered: number
}

/** What a proxy does with the bytes instead of forwarding them. */
export interface Fault {
  request?(bytes: Buffer, path: ProxiedPath): void
  answer?(bytes: Buffer, path: ProxiedPath): void
  /** Called when the fault begins, for each open connection, and for each that opens later. */
  begin?(path: ProxiedPath): void
}

/** A proxy between a client and a real memcached. Faults can be set and removed while it runs. */
export interface FaultProxy extends FakeServer {
  /** `undefined`: everything is forwarded. */
  fault(fault: Fault | undefined): void
}

export async function startFaultProxy(port: number): Promise<FaultProxy> {
  const paths = new Set<ProxiedPath>()
  let fault: Fault | undefined
  const server = await startFakeServer((client) => {
    const memcached = connect({ port: port, host: '127.0.0.1', noDelay: true })
    const path: ProxiedPath = { client, memcached, answered: 0 }
    paths.add(path)
    client.on('data', (bytes: Buffer) => {
      if (fault?.request) fault.request(bytes, path)
      else memcached.write(bytes)
    })
    memcached.on('data', (bytes: Buffer) => {
      if (fault?.answer) fault.answer(bytes, path)
      else if (!client.destroyed) client.write(bytes)
      path.answered += bytes.length
    })
    client.on('close', () => {
      paths.delete(path)
      memcached.destroy()
    })
    memcached.on('error', () => client.destroy()).on('close', () => client.destroy())
    fault?.begin?.(path)
  })
  return {
    ...server,
    fault(next) {
      fault = next
      for (const path of paths) {
        path.answered = 0
        fault?.begin?.(path)
      }
    },
  }
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1' }, () => resolve())
  })
}
