import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Prng } from './prng.ts'

/** A TCP proxy in front of a server that breaks connections. */
export interface ChaosProxy {
  readonly address: string
  /** Breaks one connection after another until `stop`. */
  readonly start: () => void
  /** Stops breaking connections; the open ones continue. */
  readonly stop: () => Promise<void>
  readonly close: () => void
  /** The number of faults of each kind. */
  readonly done: Readonly<Record<'reset' | 'stall' | 'cut', number>>
}

interface Line {
  readonly client: Socket
  readonly server: Socket
}

export async function startChaosProxy(port: number, prng: Prng): Promise<ChaosProxy> {
  const lines = new Set<Line>()
  const done = { reset: 0, stall: 0, cut: 0 }
  const listener = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1' })
    const line: Line = { client, server }
    lines.add(line)
    join(client, server, () => lines.delete(line))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  let breaking: Promise<void> | null = null
  let isOn = false

  async function breakOne(): Promise<void> {
    const [line] = prng.chance(0.5) ? lines : [...lines].reverse()
    if (line === undefined) return
    const way = prng.pick(['reset', 'stall', 'cut'] as const)
    done[way]++
    if (way === 'reset') line.client.resetAndDestroy()
    else if (way === 'cut') line.server.resetAndDestroy()
    else await stall(line, 20 + prng.below(500))
  }

  async function run(): Promise<void> {
    while (isOn) {
      await sleep(20 + prng.below(80))
      await breakOne()
    }
  }

  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    start() {
      isOn = true
      breaking = run()
    },
    async stop() {
      isOn = false
      await breaking
    },
    close() {
      listener.close()
      for (const { client, server } of lines) {
        client.destroy()
        server.destroy()
      }
    },
    done,
  }
}

/** Pipes both ways. If one side ends, so does the other, in the same way: sent data may have arrived. */
function join(client: Socket, server: Socket, ended: () => void): void {
  client.setNoDelay(true)
  server.setNoDelay(true)
  const end = (other: Socket) => (): void => {
    ended()
    other.destroy()
  }
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on('data', (chunk) => void to.write(chunk))
    from.on('error', () => {})
    from.on('close', end(to))
  }
}

/** Delays the replies, not the commands: the server executes them. */
async function stall({ server }: Line, milliseconds: number): Promise<void> {
  server.pause()
  await sleep(milliseconds)
  server.resume()
}
