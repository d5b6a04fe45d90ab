import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** A connection to a server with latency. */
export interface Distance {
  readonly port: number
  /** Connections that were accepted so far. */
  accepted(): number
  end(): Promise<void>
}

/**
 * A proxy in its own thread, so that it works while the test blocks its event loop. It forwards
 * data in both directions after `milliseconds`.
 */
export async function startDistance(port: number, milliseconds: number): Promise<Distance> {
  const accepted = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(code, { eval: true, workerData: { port, milliseconds, accepted } })
  const [own] = (await once(worker, 'message')) as [number]
  return {
    port: own,
    accepted: () => Atomics.load(accepted, 0),
    async end() {
      await worker.terminate()
    },
  }
}

const code = `
const { connect, createServer } = require('node:net')
const { parentPort, workerData } = require('node:worker_threads')
const { port, milliseconds, accepted } = workerData
const server = createServer({ noDelay: true }, (client) => {
  Atomics.add(accepted, 0, 1)
  const memcached = connect({ port, host: '127.0.0.1', noDelay: true })
  const forward = (from, to) => {
    from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), milliseconds))
    from.on('error', () => to.destroy()).on('close', () => to.destroy())
  }
  forward(client, memcached)
  forward(memcached, client)
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`
