import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Lazy, RequestSession } from './request-session.ts'
import type { Shared } from './shared.ts'

export interface NodePair {
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

/** The request and response of an API route, or of the context of `getServerSideProps`. */
export function nodePairOf([first, second]: readonly unknown[]): NodePair | null {
  const { req = first, res = second } = Object(first) as Record<string, unknown>
  return res instanceof ServerResponse ? { req: req as IncomingMessage, res } : null
}

export function nodeRequest(shared: Shared, { headers }: IncomingMessage): RequestSession {
  return shared.take(String(headers[shared.header]), headers.cookie ?? null)
}

type Run = () => Promise<unknown>

/** `getServerSideProps` and API routes. */
export async function serveNode(lazy: Lazy, run: Run, response: ServerResponse): Promise<unknown> {
  const release = holdBack(response, async (before) => {
    const isSaid = before.headers.has('Cache-Control')
    const after = await lazy.answer(before)
    // Next.js says this of a page itself, but only if there is no Cache-Control yet.
    if (!isSaid && (await lazy.end())) after.headers.set('Cache-Control', 'private, no-store')
    return after
  })
  try {
    return await run()
  } catch (error) {
    lazy.discard()
    throw error
  } finally {
    await release()
  }
}

type Method = (...args: unknown[]) => unknown

/**
 * Holds back what sends a response until `answer` has returned its status and headers, or a Response to send in
 * its place. If that fails, the response is a 500. The result ends this before anything is sent.
 */
export function holdBack(
  response: ServerResponse,
  answer: (response: Response) => Promise<Response>,
): () => Promise<void> {
  const { writeHead, flushHeaders, write, end } = response
  const originals = { writeHead, flushHeaders, write, end } as unknown as Record<string, Method>
  const held: (() => unknown)[] = []
  let released: Promise<void> | null = null

  async function send(): Promise<void> {
    const before = responseOf(response)
    try {
      await finish(before.status, await answer(before))
    } catch (error) {
      await finish(before.status, held.length > 0 ? new Response(null, { status: 500 }) : before)
      throw error
    }
  }

  async function finish(status: number, after: Response): Promise<void> {
    const body = new Uint8Array(await after.arrayBuffer())
    Object.assign(response, originals)
    setHeaders(response, after.headers)
    if (after.status === status && body.length === 0) return held.forEach((method) => method())
    response.statusCode = after.status
    response.end(body)
    // What the handler still sends is dropped.
    const drop = (): unknown => response
    Object.assign(response, { writeHead: drop, flushHeaders: drop, write: drop, end: drop })
  }

  const release = (): Promise<void> => (released ??= send())
  for (const [name, method] of Object.entries(originals)) {
    const hold: Method = (...args) => {
      held.push(() => method.apply(response, args))
      release().catch(() => {})
      return response
    }
    Object.assign(response, { [name]: hold })
  }
  return release
}

/** `Response` has no status below 200. */
function responseOf(response: ServerResponse): Response {
  const headers = Object.entries(response.getHeaders()).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  )
  return new Response(null, { status: Math.max(200, response.statusCode), headers })
}

function setHeaders(response: ServerResponse, headers: Headers): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  for (const [name, value] of headers) {
    response.setHeader(name, name === 'set-cookie' ? headers.getSetCookie() : value)
  }
}
