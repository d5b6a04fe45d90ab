import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import memjs from 'memjs'

const host = '127.0.0.1'

export type StockOptions = memjs.ClientOptions & memjs.ServerOptions

/** Unmodified memjs without logging, with a deadline of 0.1 s and by default one try. */
export function stockClient(port: number, options: StockOptions = {}): memjs.Client {
  const timing = { timeout: 0.1, conntimeout: 0.3, retries: 1, logger: { log() {} } }
  return memjs.Client.create(`${host}:${port}`, { ...timing, ...options })
}

/** Closes the sockets that `close()` of memjs leaves open. */
export function dropSockets(client: memjs.Client): void {
  for (const server of client.servers) {
    ;(server as unknown as { _socket?: Socket })._socket?.destroy()
  }
}

/** How a call ended within `limit`, which is long compared with deadlines of 100 ms. */
export function ending(call: Promise<unknown>, limit = 600): Promise<string> {
  const settled = call.then(
    () => 'resolved',
    () => 'rejected',
  )
  return Promise.race([settled, sleep(limit, 'pending')])
}
