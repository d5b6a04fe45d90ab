import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A connection to a server that can lose one message. */
export interface LossyLine {
  readonly port: number
  /**
   * Counts what clients send from now on, and loses the `nth`, from 1: either the command before it arrives, or the
   * answer after the server has executed it. Then the connection ends.
   */
  lose(nth: number, what: 'command' | 'answer'): void
  /** Stops losing. Returns whether a loss had occurred. */
  heal(): boolean
  end(): void
}

export async function startLossyLine(port: number): Promise<LossyLine> {
  const sockets = new Set<Socket>()
  let sent = 0
  let loss: { readonly nth: number; readonly what: 'command' | 'answer' } | null = null
  let isLost = false

  const listener = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1' })
    const end = (): void => {
      sockets.delete(client)
      client.destroy()
      server.destroy()
    }
    sockets.add(client)
    let isAnswerLost = false
    client.on('data', (chunk) => {
      const isNow = ++sent === loss?.nth
      if (isNow) isLost = true
      if (isNow && loss?.what === 'command') return end()
      if (isNow) isAnswerLost = true
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      if (isAnswerLost) end()
      else client.write(chunk)
    })
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', end)
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    lose(nth, what) {
      sent = 0
      isLost = false
      loss = { nth, what }
    },
    heal() {
      loss = null
      return isLost
    },
    end() {
      listener.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
