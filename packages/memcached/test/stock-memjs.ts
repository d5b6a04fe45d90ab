import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import memjs from 'memjs'
import { createBinaryClient } from '../src/protocol/binary-client.ts'
import type { Client } from '../src/protocol/client.ts'
import { startFakeServer } from './fake-server.ts'
import type { FakeServer } from './fake-server.ts'

const host = '127.0.0.1'

export type StockOptions = memjs.ClientOptions & memjs.ServerOptions

const clients: memjs.Client[] = []
const servers: FakeServer[] = []

/** Unmodified memjs without logging, with a deadline of 0.1 s and by default one try. */
export function stock(port: number, options: StockOptions = {}): memjs.Client {
  const timing = { timeout: 0.1, conntimeout: 0.3, retries: 1, logger: { log() {} } }
  return closedLater(memjs.Client.create(`${host}:${port}`, { ...timing, ...options }))
}

/** Leaves it to `closeAll` to close the client. */
export function closedLater(client: memjs.Client): memjs.Client {
  clients.push(client)
  return client
}

/** The client of this package, with the deadlines of `stock`. */
export function ours(port: number, options: object = {}): Client {
  return createBinaryClient({ host, port, deadline: 100, connectDeadline: 300, ...options })
}

/** A fake server that `closeAll` closes. */
export async function fake(...options: Parameters<typeof startFakeServer>): Promise<FakeServer> {
  const server = await startFakeServer(...options)
  servers.push(server)
  return server
}

/** Closes every `fake`, and the sockets of memjs, which its own `close()` leaves open. */
export async function closeAll(): Promise<void> {
  for (const client of clients.splice(0)) {
    for (const server of client.servers) {
      ;(server as unknown as { _socket?: Socket })._socket?.destroy()
    }
  }
  for (const server of servers.splice(0)) await server.close()
}

/** How a call ended within `limit`, which is long compared with deadlines of 100 ms. */
export function ending(call: Promise<unknown>, limit = 600): Promise<string> {
  const settled = call.then(
    () => 'resolved',
    () => 'rejected',
  )
  return Promise.race([settled, sleep(limit, 'pending')])
}
