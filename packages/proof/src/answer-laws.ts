import { fail } from './outcome-laws.ts'
import { createSharedAnswers, headersOf, themeCookie } from './shared-answers.ts'
import type { RequestLog, Run } from './run.ts'

const original = createSharedAnswers()

/** The app's responses are never changed, and carry nothing over from a request. */
export function checkShared({ shared }: Run): void {
  for (const [name, response] of Object.entries(shared)) {
    if (headersOf(response) === headersOf(original[name as keyof typeof original])) continue
    throw new Error(`the response '${name}' of the app was changed: ${headersOf(response)}`)
  }
}

/** The browser gets the app's response plus the headers of this request's commit, and nothing else. */
export function checkAnswer({ plan: { explains } }: Run, request: RequestLog): void {
  const { plan, committed, answer, isRefused } = request
  if (committed === null) return
  if (isRefused !== (plan.answer === 'unusable')) fail(request, 'sent what cannot be sent')
  if (answer === null) return
  const { headers } = answer
  checkStatus(request, answer)
  checkCookies(request, headers.getSetCookie())
  checkCaches(request, headers)
  const { clearSiteData, outcome } = committed
  if (headers.get('Clear-Site-Data') !== clearSiteData) fail(request, 'has another Clear-Site-Data')
  const said = explains ? `session;desc="${outcome}"` : null
  if (headers.get('Server-Timing') !== said) fail(request, 'has another Server-Timing')
}

/** A failed sign-in or sign-out must not be answered as if it had succeeded. */
function isRefusal({ plan, committed }: RequestLog): boolean {
  const asked = committed?.failure?.asked
  return plan.direct === null && asked !== undefined && asked !== 'change'
}

function checkStatus(request: RequestLog, { status, headers }: Response): void {
  const isUsual = status === (request.plan.answer === 'thrown' ? 204 : 303)
  if (!isRefusal(request)) return isUsual ? undefined : fail(request, `was answered with ${status}`)
  if (status !== 503 || !headers.has('Retry-After'))
    fail(request, `was answered with ${status}, as if it had been done`)
}

/** The app's own cookie, then ours if one is set; never one of another request. */
function checkCookies(request: RequestLog, lines: readonly string[]): void {
  const { plan, committed } = request
  const apps = plan.answer === 'plain' && !isRefusal(request) ? [themeCookie] : []
  const { cookie = null, formerCookies = [] } = committed ?? {}
  const own = cookie === null ? formerCookies : [...formerCookies, cookie]
  const wanted = [...apps, ...own.map(({ header }) => header)]
  if (lines.length === wanted.length && wanted.every((line) => lines.includes(line))) return
  const strange = lines.some((line) => !wanted.includes(line))
  fail(request, strange ? 'was sent the cookie of another request' : 'was not sent its cookies')
}

/** Every handler reads the session, so no shared cache may store its response. */
function checkCaches(request: RequestLog, headers: Headers): void {
  const fields = (headers.get('Vary') ?? '').split(', ').filter((field) => field === 'Cookie')
  if (fields.length !== 1) fail(request, `has ${fields.length} times Vary: Cookie`)
  const control = headers.get('Cache-Control') ?? ''
  const isKept = !control.includes('private') || control.includes('public')
  const isStored = request.committed?.cookie && control !== 'private, no-store'
  if (isKept || isStored) fail(request, `may be kept by a cache: ${control}`)
}
