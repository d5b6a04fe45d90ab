import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** The current status and headers. `Response` allows no status below 200 or above 599. */
export function headOf(response: ServerResponse): Response {
  const status = Math.min(599, Math.max(200, response.statusCode))
  return new Response(null, { status, headers: headersOf(response.getHeaders()) })
}

export function headersOf(given: OutgoingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(given)) {
    for (const one of [value].flat()) headers.append(name, String(one))
  }
  return headers
}

/** Applies the arguments of `writeHead` without sending anything, so that headers can still be changed. */
export function adoptHead(response: ServerResponse, args: readonly unknown[]): void {
  const [status, second, third] = args
  response.statusCode = Number(status)
  if (typeof second === 'string') response.statusMessage = second
  const given = third ?? (typeof second === 'string' ? null : second)
  for (const [name, value] of linesOf(given)) response.setHeader(name, ownList(value))
}

/**
 * Copies arrays: `appendHeader` pushes to the array that `setHeader` got, which the app may share between responses.
 */
function ownList<value>(value: value): value {
  return Array.isArray(value) ? ([...value] as value) : value
}

/** A copy, unaffected by later calls of `appendHeader`. */
export function headersNow(response: ServerResponse): OutgoingHttpHeaders {
  const headers = Object.entries(response.getHeaders())
  return Object.fromEntries(headers.map(([name, value]) => [name, ownList(value)]))
}

/**
 * The headers grouped by name, however it is spelled: Next.js adds its proxy's cookies to what `setHeader` sets, but not
 * to what `appendHeader` adds.
 */
function linesOf(given: unknown): Iterable<readonly [string, OutgoingHttpHeader]> {
  const lines = new Map<string, readonly [string, OutgoingHttpHeader]>()
  for (const [name, value] of pairsOf(given)) {
    const key = name.toLowerCase()
    const [spelled, before] = lines.get(key) ?? [name]
    // Of an object, Node sends other names twice only if no header was set before.
    const isAdded = before !== undefined && (Array.isArray(given) || key === 'set-cookie')
    lines.set(key, [spelled, isAdded ? ([before, value].flat() as string[]) : value])
  }
  return lines.values()
}

/** Accepts `{ name: value, … }`, `[[name, value], …]` or `[name, value, …]`. */
function pairsOf(given: unknown): readonly (readonly [string, OutgoingHttpHeader])[] {
  if (!Array.isArray(given)) return Object.entries((given ?? {}) as Record<string, string>)
  if (Array.isArray(given[0])) return given as [string, string][]
  const names = given.filter((_, at) => at % 2 === 0) as string[]
  return names.map((name, at) => [name, given[at * 2 + 1] as string])
}

/** Sets the headers that differ from `before`. Others keep their spelling and their lines. */
export function changeHeaders(response: ServerResponse, before: Headers, after: Headers): void {
  for (const name of before.keys()) if (!after.has(name)) response.removeHeader(name)
  for (const [name, value] of after) {
    if (name !== 'set-cookie' && value !== before.get(name)) response.setHeader(name, value)
  }
  const cookies = after.getSetCookie()
  if (cookies.join() !== before.getSetCookie().join()) response.setHeader('Set-Cookie', cookies)
}
