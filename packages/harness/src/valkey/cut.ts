import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'

/** A TCP proxy in front of a server that can lose data. */
export interface Cut {
  readonly port: number
  /** From now on no data, or no answers, are forwarded. Connections stay open, even if one side closes them. */
  cut(what?: 'all' | 'answers'): void
  /** Ends the connections that lost data; new ones work. */
  mend(): void
  end(): void
}

export async function startCut(port: number): Promise<Cut> {
  const sockets = new Set<Socket>()
  let lost: 'all' | 'answers' | null = null
  const listener = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1' })
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (chunk) => {
        const isLost = lost === 'all' || (lost === 'answers' && from === server)
        if (!isLost) to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        if (lost === null) to.destroy()
      })
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (listener.address() as AddressInfo).port,
    cut: (what = 'all') => void (lost = what),
    mend() {
      lost = null
      endAll()
    },
    end() {
      listener.close()
      endAll()
    },
  }
}
