import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { TLSSocket } from 'node:tls'

/** Answers requests for every host name over https, with its own certificate. */
export interface HttpsSite {
  /** A proxy for browsers, through which every host is this site, on port 443. */
  readonly proxy: string
  readonly close: () => Promise<void>
}

export async function serveHttps(
  answer: (request: Request) => Promise<Response>,
): Promise<HttpsSite> {
  const site = createHttps(certificate(), (incoming, outgoing) => {
    respond(incoming, outgoing, answer).catch((error: unknown) => {
      outgoing.statusCode = 500
      outgoing.end(String(error))
    })
  })
  const sitePort = await listen(site)
  const sockets = new Set<Socket>()
  const proxy = createHttp().on('connect', (_request, client: Socket) => {
    const upstream = connect(sitePort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
  })
  const proxyPort = await listen(proxy)
  return {
    proxy: `http://127.0.0.1:${proxyPort}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      site.closeAllConnections()
      await Promise.all([site, proxy].map((server) => new Promise((done) => server.close(done))))
    },
  }
}

/** The same over http on 127.0.0.1, because Chromium does not cache responses with a self-signed certificate. */
export async function serveHttp(
  answer: (request: Request) => Promise<Response>,
): Promise<{ readonly origin: string; readonly close: () => Promise<void> }> {
  const server = createHttp((incoming, outgoing) => {
    respond(incoming, outgoing, answer).catch((error: unknown) => {
      outgoing.statusCode = 500
      outgoing.end(String(error))
    })
  })
  const port = await listen(server)
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

function certificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  try {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=example.test',
        '-addext',
        'subjectAltName=DNS:example.test,DNS:*.example.test',
        '-keyout',
        key,
        '-out',
        cert,
      ],
      { stdio: 'ignore' },
    )
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: (request: Request) => Promise<Response>,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = incoming
  const pairs = Object.entries(headers).flatMap(([name, value = '']): [string, string][] =>
    typeof value === 'string'
      ? [[name, value]]
      : value.map((each): [string, string] => [name, each]),
  )
  const scheme = incoming.socket instanceof TLSSocket ? 'https' : 'http'
  const sent = Readable.toWeb(incoming) as ReadableStream as BodyInit
  const body = method === 'GET' || method === 'HEAD' ? null : await new Response(sent).arrayBuffer()
  const request = new Request(`${scheme}://${headers.host}${url}`, { method, headers: pairs, body })
  const response = await answer(request)
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value)
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}
