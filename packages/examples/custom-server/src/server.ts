import type { Server } from 'srvx'
import { serve } from 'srvx'

export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly fetch: (request: Request) => Promise<Response>
}

export interface Listening {
  /** Where a browser on this machine finds it. */
  readonly url: string
  /** Takes no new requests, lets the running ones end, then cuts what is left. */
  readonly close: () => Promise<void>
}

/** Milliseconds that requests have to end. Less than the ten seconds that most supervisors wait. */
const patience = 5000

/** Rejects with an error that says what to do. */
export async function listen({ host, port, fetch }: ListenOptions): Promise<Listening> {
  const server = serve({
    fetch,
    hostname: host,
    port,
    error: fail,
    silent: true,
    gracefulShutdown: false,
    manual: true,
  })
  try {
    await server.serve()
  } catch (error) {
    throw new Error(explain(error as NodeJS.ErrnoException, host, port), { cause: error })
  }
  return {
    url: urlOf(host, Number(new URL(server.url ?? '').port || 80)),
    async close() {
      const tidy = setInterval(() => closeIdle(server), 50)
      const cut = setTimeout(() => void server.close(true), patience)
      await server.close()
      clearInterval(tidy)
      clearTimeout(cut)
    },
  }
}

/** Connections that browsers keep open would hold us up for seconds. */
function closeIdle({ node }: Server): void {
  const server = node?.server
  if (server !== undefined && 'closeIdleConnections' in server) server.closeIdleConnections()
}

/** A fault of the server: the details are for the log. */
function fail(error: unknown): Response {
  console.error(error)
  return Response.json({ error: 'Something went wrong here' }, { status: 500 })
}

function explain({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  if (code !== 'EADDRINUSE') return `Cannot listen on ${host}, port ${port}: ${message}`
  return `Port ${port} is in use. Choose another: PORT=${port + 1} npm start`
}

function urlOf(host: string, port: number): string {
  const local = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)
  const name = local ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}
