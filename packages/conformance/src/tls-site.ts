import type { TrustedHosts } from '@coatcheck/harness/trusted-chromium'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A server with the certificate of some hosts. */
export interface TlsSite {
  readonly port: number
  readonly stop: () => void
}

/** Answers every request with `app`. Request bodies are not read. */
export async function startSite(
  trusted: TrustedHosts,
  app: (request: Request) => Promise<Response>,
): Promise<TlsSite> {
  const server = createServer(trusted, (incoming, outgoing) => {
    const { host } = incoming.headers
    const request = new Request(`https://${host}${incoming.url}`, {
      method: incoming.method as string,
      headers: Object.entries(incoming.headersDistinct).map(([name, [value = ''] = []]) => [
        name,
        value,
      ]),
    })
    app(request).then(
      async (response) => {
        outgoing.statusCode = response.status
        outgoing.setHeaders(response.headers)
        outgoing.end(await response.text())
      },
      (error: unknown) => outgoing.writeHead(500).end(String(error)),
    )
  }).listen(0)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
