import type { LazyVisitor } from '@coatcheck/example-custom-server/on-framework'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'

/** What the adapter has added to a request; an app declares it for its framework. */
export function sessionOf(request: object): LazyVisitor {
  return (request as { readonly session: LazyVisitor }).session
}

/** A request of Node as the application takes it. */
export function toRequest(message: IncomingMessage): Request {
  const { method = 'GET', url = '/', headers } = message
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? (Readable.toWeb(message) as unknown as BodyInit) : null
  const init = { method, headers: headersOf(headers), body, duplex: 'half' }
  return new Request(new URL(url, `http://${headers.host}`), init as RequestInit)
}

function headersOf(from: IncomingMessage['headers']): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(from)) {
    for (const each of [value ?? []].flat()) headers.append(name, each)
  }
  return headers
}

/** Sends what the application answers by a response of Node. */
export async function send(response: Response, to: ServerResponse): Promise<void> {
  to.statusCode = response.status
  to.setHeaders(response.headers)
  if (response.body === null || to.req.method === 'HEAD') to.end()
  else await pipeline(Readable.fromWeb(response.body as ReadableStream), to)
}
