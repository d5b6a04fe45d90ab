import { ServerResponse } from 'node:http'
import type { GetServerSidePropsContext } from 'next'
import type { Lazy, Run } from './request-session.ts'

type Method = (...args: unknown[]) => unknown
type NodePair = Pick<GetServerSidePropsContext, 'req' | 'res'>

/** The request and response of an API route, or of the context of `getServerSideProps`. */
export function nodePairOf([first, second]: readonly unknown[]): NodePair | null {
  const { req = first, res = second } = Object(first) as Partial<Record<'req' | 'res', unknown>>
  return res instanceof ServerResponse ? { req: req as NodePair['req'], res } : null
}

/**
 * `getServerSideProps` and API routes. What sends the response is held back until the session is saved. If that fails,
 * the response is a 500.
 */
export async function serveNode(lazy: Lazy, run: Run, response: ServerResponse): Promise<unknown> {
  const { writeHead, flushHeaders, write, end } = response
  const originals = { writeHead, flushHeaders, write, end }
  const held: (() => unknown)[] = []
  let released: Promise<void> | null = null

  async function saveAndSend(): Promise<void> {
    const before = headOf(response)
    let after = before
    try {
      after = await lazy.answer(before)
      // Next.js says this of a page itself, but only if there is no Cache-Control yet.
      const isPage = !response.hasHeader('Cache-Control') && (await lazy.end()) !== null
      if (isPage) after.headers.set('Cache-Control', 'private, no-store')
    } catch (error) {
      if (held.length > 0) after = new Response(null, { status: 500 })
      throw error
    } finally {
      const body = new Uint8Array(await after.arrayBuffer())
      Object.assign(response, originals)
      setHeaders(response, after.headers)
      if (after.status !== before.status || body.length > 0) sendInstead(after.status, body)
      else for (const method of held) method()
    }
  }

  function sendInstead(status: number, body: Uint8Array): void {
    response.statusCode = status
    response.end(body)
    // What the handler still sends is dropped.
    for (const name of Object.keys(originals)) Object.assign(response, { [name]: () => response })
  }

  const release = (): Promise<void> => (released ??= saveAndSend())
  for (const [name, method] of Object.entries(originals) as [string, Method][]) {
    const hold: Method = (...args) => {
      held.push(() => method.apply(response, args))
      release().catch(() => {})
      return response
    }
    Object.assign(response, { [name]: hold })
  }
  try {
    return await run()
  } catch (error) {
    lazy.discard()
    throw error
  } finally {
    await release()
  }
}

/** The status and headers. `Response` has no status below 200. */
function headOf(response: ServerResponse): Response {
  const head = new Response(null, { status: Math.max(200, response.statusCode) })
  for (const [name, value] of Object.entries(response.getHeaders())) {
    for (const one of [value].flat()) head.headers.append(name, String(one))
  }
  return head
}

function setHeaders(response: ServerResponse, headers: Headers): void {
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  for (const [name, value] of headers) {
    response.setHeader(name, name === 'set-cookie' ? headers.getSetCookie() : value)
  }
}
