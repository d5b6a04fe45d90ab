import type { LazySession } from '@coatcheck/core'
import type { RequestEvent } from '@sveltejs/kit'

/**
 * The JSON that SvelteKit's script in the browser reads instead of a redirect or a failure. SvelteKit's own JSON
 * of a redirect has lost the cookies, and the script of SvelteKit 2 cannot read a text.
 */
export async function forScript(
  { isDataRequest, isRemoteRequest, request }: RequestEvent,
  lazy: LazySession<object>,
  response: Response,
): Promise<Response> {
  const isAction = request.headers.has('x-sveltekit-action')
  if (!isDataRequest && !isRemoteRequest && !isAction) return response
  const { status } = response
  const headers = new Headers(response.headers)
  const location = headers.get('Location')
  const isText = headers.get('Content-Type')?.startsWith('text/plain')
  for (const name of ['Location', 'Content-Length', 'Content-Type']) headers.delete(name)
  headers.set('Cache-Control', 'private, no-store')
  if (isRedirect({ status, location })) {
    return Response.json({ type: 'redirect', status, location }, { headers })
  }
  if (!isText || !(await lazy.end())?.failure) return response
  const error = { status, message: await response.text() }
  return Response.json({ type: 'error', ...error, error }, { status, headers })
}

/** What SvelteKit's `redirect` throws, by shape: the app may have another copy of SvelteKit than this import. */
export function isRedirect(value: unknown): value is { status: number; location: string } {
  const { status = 0, location = null } = (value ?? {}) as { status?: number; location?: unknown }
  return status >= 300 && status <= 308 && typeof location === 'string'
}
