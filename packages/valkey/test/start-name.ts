import { connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** A name that leads to a server, and to another one when it is told so: for new connections. */
export async function startName(
  first: number,
): Promise<{ name: string; lead: (port: number) => void }> {
  let port = first
  const listener = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1' })
    client.pipe(server).pipe(client)
    client.on('error', () => server.destroy())
    server.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void listener.close())
  const { port: own } = listener.address() as { port: number }
  return { name: `127.0.0.1:${own}`, lead: (next) => void (port = next) }
}
