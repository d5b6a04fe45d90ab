import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { CommandCounter } from './command-counter.ts'

export interface Traffic {
  readonly connections: number
  readonly commands: number
  /** The number of times that the client sent something after a response. With one request in flight: round trips. */
  readonly trips: number
  /** Bytes to the server. */
  readonly sent: number
  /** Bytes from the server. */
  readonly received: number
}

/**
 * - `open`: forwards everything.
 * - `silent`: accepts connections, but forwards nothing.
 * - `refused`: accepts no connections, and closes existing ones.
 */
export type LinkState = 'open' | 'silent' | 'refused'

/** A connection to a server that can have latency or be broken, and counts the traffic. */
export interface Link {
  readonly port: number
  readonly traffic: () => Traffic
  /** Existing connections stay open, unless it is `refused`. */
  readonly turn: (state: LinkState) => Promise<void>
  readonly close: () => void
}

/** `away`: the round-trip time in milliseconds. */
export async function openLink(target: number, away = 0): Promise<Link> {
  const sockets = new Set<Socket>()
  const counters: CommandCounter[] = []
  let state: LinkState = 'open'
  let trips = 0
  let sent = 0
  let received = 0
  let isAnswered = true

  const later = (task: () => void) => {
    if (away === 0) task()
    else setTimeout(task, away / 2)
  }
  const keep = (socket: Socket, other: () => Socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      other().destroy()
    })
  }
  const accept = (client: Socket) => {
    const server = connect({ port: target, host: '127.0.0.1' })
    const counter = new CommandCounter()
    counters.push(counter)
    keep(client, () => server)
    keep(server, () => client)
    client.on('data', (chunk: Buffer) => {
      counter.take(chunk)
      sent += chunk.length
      if (isAnswered) trips++
      isAnswered = false
      if (state === 'open') later(() => server.write(chunk))
    })
    server.on('data', (chunk: Buffer) => {
      received += chunk.length
      isAnswered = true
      later(() => client.write(chunk))
    })
  }

  let listener = await listen(accept, 0)
  const { port } = listener.address() as AddressInfo
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    traffic: () => ({
      connections: counters.length,
      commands: counters.reduce((sum, { count }) => sum + count, 0),
      trips,
      sent,
      received,
    }),
    async turn(next) {
      if (next === state) return
      if (next === 'refused') {
        const closed = once(listener, 'close')
        listener.close()
        drop()
        await closed
      } else if (state === 'refused') {
        listener = await listen(accept, port)
      }
      state = next
    },
    close() {
      listener.close()
      drop()
    },
  }
}

/** The traffic between two moments. */
export function trafficBetween(before: Traffic, after: Traffic): Traffic {
  return {
    connections: after.connections - before.connections,
    commands: after.commands - before.commands,
    trips: after.trips - before.trips,
    sent: after.sent - before.sent,
    received: after.received - before.received,
  }
}

async function listen(accept: (client: Socket) => void, port: number): Promise<Server> {
  const server = createServer(accept)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
