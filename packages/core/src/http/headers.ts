import type { Cookie } from './cookie.ts'

/** The headers that a commit adds for the browser and caches. */
export interface HeaderChanges {
  readonly cookie: Cookie | null
  /** Deletions of former cookies. Default: none. */
  readonly formerCookies?: readonly Cookie[]
  /** Whether the handler read the session, which makes the response private to this visitor. */
  readonly touched: boolean
  /** The value of `Clear-Site-Data`; `null`: not set. */
  readonly clearSiteData: string | null
  /** The value of `Secure-Session-Registration`; `null`: not set. */
  readonly registration?: string | null
  /** For `Server-Timing`; `null`: not set. */
  readonly explain: string | null
  /** Called if the app's `Cache-Control` would have let a shared cache keep the response. */
  readonly onOverride: () => void
}

/**
 * The response with our headers, merged with the app's: the same response if there is nothing to add, otherwise a copy
 * with the same body. The app's response is never changed, because it may be shared by all requests. Throws a TypeError
 * if the response cannot be copied (`faultOf`).
 */
export function applyToResponse(response: Response, changes: HeaderChanges): Response {
  const { cookie, formerCookies = [], touched, clearSiteData, explain } = changes
  const isSet = cookie !== null || formerCookies.length > 0
  if (!isSet && !touched && clearSiteData === null && explain === null) return response
  const fault = faultOf(response)
  if (fault !== null) throw new TypeError(`${fault}. ${headersAreLost}`)
  const copy = copyOf(response)
  changeHeaders(copy.headers, changes, isSet)
  return copy
}

export const headersAreLost =
  'The session is committed already, and its cookie and headers are lost'

/** Why no header can be added to the response, and what to return instead; `null` if headers can be added. */
export function faultOf(response: Response): string | null {
  const { status } = response
  if (status === 101) return upgradeFault
  if (status < 200 || status > 599) {
    return `A response with the status ${status}, such as Response.error(), cannot be sent: use a status from 200 to 599`
  }
  return response.bodyUsed || response.body?.locked === true ? bodyFault : null
}

const upgradeFault =
  'A response with status 101 takes no headers: call session.commit() (or commit() of sessions.open) before the ' +
  'upgrade, and send its cookie'

const bodyFault =
  'The response body has been read or is locked: return a new Response for each request, and read a clone()'

const source = Symbol('the response that this is a copy of')

interface Copy extends Response {
  /** Keeps the app's response from being garbage-collected before its body is read. */
  [source]?: Response
}

/** A plain Response: `url`, `redirected`, `type` and the members of a subclass cannot be copied. */
function copyOf(response: Response): Response {
  // Some classes give every response a body, but `new Response` refuses one for these statuses.
  const isEmpty = [204, 205, 304].includes(response.status)
  const body = isEmpty ? null : response.body
  const copy: Copy = new Response(body, response)
  // Node cancels the body of a fetch when its response is garbage-collected, even if another response has that body.
  if (body) copy[source] = response
  keepSetCookies(copy.headers, response.headers)
  return copy
}

/** Restores Set-Cookie lines that a Headers class has joined during iteration, as node-fetch does. */
function keepSetCookies(headers: Headers, original: Headers): void {
  const copied = setCookiesOf(headers)
  if (copied.length === 0) return
  const lines = setCookiesOf(original)
  if (lines.length !== copied.length) replaceSetCookies(headers, lines)
}

/** `isSet`: whether a cookie is set. */
function changeHeaders(headers: Headers, changes: HeaderChanges, isSet: boolean): void {
  const { cookie, formerCookies = [], touched, clearSiteData, registration, explain } = changes
  if (clearSiteData !== null) headers.append('Clear-Site-Data', clearSiteData)
  if (registration) headers.append('Secure-Session-Registration', registration)
  if (explain !== null) headers.append('Server-Timing', `session;desc="${explain}"`)
  if (touched || isSet) {
    varyOnCookie(headers)
    keepPrivate(headers, isSet, changes.onOverride)
  }
  for (const each of formerCookies) setCookie(headers, each)
  if (cookie !== null) setCookie(headers, cookie)
}

/** RFC 9110 section 12.5.5. `*` already covers it. */
function varyOnCookie(headers: Headers): void {
  const fields = listOf(headers.get('Vary'))
  if (!fields.some((field) => field === '*' || field.toLowerCase() === 'cookie')) {
    headers.append('Vary', 'Cookie')
  }
}

/** Directives that let a shared cache keep a response (RFC 9111 section 5.2.2). */
const sharing = /^(public|s-maxage|proxy-revalidate|stale-while-revalidate|stale-if-error)\b/i

/** Fields that some caches prefer to Cache-Control: RFC 9213, and older ones. */
const targetedField = /(^|-)cdn-cache-control$|^surrogate-control$|^edge-control$|^x-accel-expires$/

/**
 * A response that sets our cookie must not be stored; one that depends on a session may be stored only by the visitor's
 * browser. Keeps a stricter Cache-Control of the app.
 */
function keepPrivate(headers: Headers, storesNothing: boolean, onOverride: () => void): void {
  const said = listOf(headers.get('Cache-Control'))
  const kept = said.filter((directive) => !sharing.test(directive))
  headers.set('Cache-Control', storesNothing ? 'private, no-store' : atLeastPrivate(kept))
  const isTargeted = removeTargeted(headers)
  if (kept.length < said.length || isTargeted) onOverride()
}

function atLeastPrivate(directives: readonly string[]): string {
  const isPrivate = directives.some((directive) => /^(no-store|private)$/i.test(directive))
  return (isPrivate ? directives : ['private', ...directives]).join(', ')
}

/** Iterates over all names: a CDN may use any prefix, and looking up the seven known names takes twice as long. */
function removeTargeted(headers: Headers): boolean {
  const names: string[] = []
  for (const name of headers.keys()) if (targetedField.test(name)) names.push(name)
  for (const name of names) headers.delete(name)
  return names.length > 0
}

/** A response must not set two cookies with the same name (RFC 6265bis section 4.1.1), so ours replaces the app's. */
function setCookie(headers: Headers, cookie: Cookie): void {
  const others = setCookiesOf(headers)
  const kept = others.filter((line) => !line.startsWith(`${cookie.name}=`))
  if (kept.length < others.length) replaceSetCookies(headers, kept)
  headers.append('Set-Cookie', cookie.header)
}

function replaceSetCookies(headers: Headers, lines: readonly string[]): void {
  headers.delete('Set-Cookie')
  for (const line of lines) headers.append('Set-Cookie', line)
}

/** node-fetch and its forks have `raw` instead of `getSetCookie`. */
export function setCookiesOf(headers: Headers & RawHeaders): readonly string[] {
  return headers.getSetCookie?.() ?? headers.raw?.()['set-cookie'] ?? []
}

interface RawHeaders {
  raw?(): { readonly [name: string]: readonly string[] }
}

function listOf(value: string | null): readonly string[] {
  if (value === null) return []
  return value
    .split(',')
    .map((item) => item.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((item) => item !== '')
}
