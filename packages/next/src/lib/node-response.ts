import type { ServerResponse } from 'node:http'
import type { Committed } from '@coatcheck/core'

/** Puts what a commit has to tell into the headers of a response that is still to be sent. */
export function applyToNode(response: ServerResponse, committed: Committed): void {
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.getHeaders())) {
    for (const one of [value].flat()) headers.append(name, String(one))
  }
  // Without it Next.js would have said the same, of a page.
  if (committed.cacheControl !== null && !headers.has('Cache-Control')) {
    headers.set('Cache-Control', 'private, no-store')
  }
  const { headers: changed } = committed.applyTo(new Response(null, { headers }))
  for (const [name, value] of changed) {
    response.setHeader(name, name === 'set-cookie' ? changed.getSetCookie() : value)
  }
}

const sending = ['writeHead', 'flushHeaders', 'write', 'end'] as const
type Method = (...args: unknown[]) => unknown

/**
 * Saves before the response leaves: what sends it is held back until `save` is done. Gives what waits for
 * that, and `false` if nothing was sent yet. When `save` fails, the response is a 500.
 */
export function saveFirst(
  response: ServerResponse,
  save: () => Promise<unknown>,
): () => Promise<boolean> {
  const methods = response as unknown as Record<string, Method>
  const originals = sending.map((name) => [name, methods[name] as Method] as const)
  const held: (readonly [string, unknown[]])[] = []
  let saved: Promise<void> | null = null

  function restore(): void {
    for (const [name, method] of originals) methods[name] = method
  }

  async function saveNow(): Promise<void> {
    try {
      await save()
    } catch (error) {
      restore()
      for (const name of response.getHeaderNames()) response.removeHeader(name)
      response.statusCode = 500
      response.end()
      throw error
    }
    restore()
    for (const [name, args] of held) methods[name]?.(...args)
  }

  for (const [name] of originals) {
    methods[name] = (...args) => {
      held.push([name, args])
      saved ??= saveNow()
      saved.catch(() => {})
      return name === 'write' || response
    }
  }
  return async () => {
    if (saved === null) restore()
    await saved
    return saved !== null
  }
}
