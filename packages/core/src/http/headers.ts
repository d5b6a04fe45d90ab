import type { Cookie } from './cookie.ts'

/** What a commit tells the browser and the caches in between. */
export interface HeaderChanges {
  readonly cookie: Cookie | null
  /** Whether the handler read the session: then the response is this visitor's alone. */
  readonly touched: boolean
  /** The value of `Clear-Site-Data`; `null`: not set. */
  readonly clearSiteData: string | null
  /** For `Server-Timing`; `null`: not asked for. */
  readonly explain: string | null
  /** Called if the app's `Cache-Control` would have let a shared cache keep the response. */
  readonly onOverride: () => void
}

/**
 * The response with our headers, merged with those that the app has set. A new Response if the headers cannot
 * be changed: those of `fetch()` and `Response.redirect()` cannot.
 */
export function applyToResponse(response: Response, changes: HeaderChanges): Response {
  const { cookie, touched, clearSiteData, explain } = changes
  if (cookie === null && !touched && clearSiteData === null && explain === null) return response
  try {
    changeHeaders(response.headers, changes)
    return response
  } catch {
    // A response with a status that a handler cannot give (101, `Response.error()`) cannot be copied.
    if (response.status < 200) return response
    const copy = new Response(response.body, response)
    changeHeaders(copy.headers, changes)
    return copy
  }
}

function changeHeaders(headers: Headers, changes: HeaderChanges): void {
  const { cookie, touched, clearSiteData, explain } = changes
  if (clearSiteData !== null) headers.append('Clear-Site-Data', clearSiteData)
  if (explain !== null) headers.append('Server-Timing', `session;desc="${explain}"`)
  if (touched || cookie !== null) {
    varyOnCookie(headers)
    keepPrivate(headers, cookie !== null, changes.onOverride)
  }
  if (cookie !== null) setCookie(headers, cookie)
}

/** RFC 9110 section 12.5.5. `*` covers it already. */
function varyOnCookie(headers: Headers): void {
  const fields = listOf(headers.get('Vary'))
  if (!fields.some((field) => field === '*' || field.toLowerCase() === 'cookie')) {
    headers.append('Vary', 'Cookie')
  }
}

/** Directives that let a shared cache keep a response (RFC 9111 section 5.2.2). */
const sharing = /^(public|s-maxage|proxy-revalidate|stale-while-revalidate|stale-if-error)\b/i

/** Fields that some caches obey before Cache-Control: RFC 9213, and older ones. */
const targetedField = /(^|-)cdn-cache-control$|^surrogate-control$|^edge-control$|^x-accel-expires$/

/**
 * A response that sets our cookie is not stored at all; one that depends on a session is stored only by the
 * visitor's browser. A stricter Cache-Control of the app is kept.
 */
function keepPrivate(headers: Headers, storesNothing: boolean, onOverride: () => void): void {
  const said = listOf(headers.get('Cache-Control'))
  const kept = said.filter((directive) => !sharing.test(directive))
  const names = new Set(kept.map((directive) => directive.toLowerCase()))
  if (storesNothing) {
    headers.set('Cache-Control', 'private, no-store')
  } else if (names.has('no-store') || names.has('private')) {
    headers.set('Cache-Control', kept.join(', '))
  } else {
    headers.set('Cache-Control', ['private', ...kept].join(', '))
  }
  const targeted = [...headers.keys()].filter((name) => targetedField.test(name))
  for (const name of targeted) headers.delete(name)
  if (kept.length < said.length || targeted.length > 0) onOverride()
}

/** A response must not set two cookies of one name (RFC 6265bis section 4.1.1): ours replaces the app's. */
function setCookie(headers: Headers, cookie: Cookie): void {
  const others = headers.getSetCookie()
  const kept = others.filter((line) => !line.startsWith(`${cookie.name}=`))
  if (kept.length < others.length) {
    headers.delete('Set-Cookie')
    for (const line of kept) headers.append('Set-Cookie', line)
  }
  headers.append('Set-Cookie', cookie.header)
}

function listOf(value: string | null): readonly string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((item) => item !== '')
}
