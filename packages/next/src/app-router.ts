import type { Committed, Cookie } from '@coatcheck/core'
import { isResponse, SessionError } from '@coatcheck/core'
import { cookies, headers } from 'next/headers.js'
import { connection } from 'next/server.js'
import { responseOf } from './control-flow.ts'
import type { Lazy, RequestSession, Run } from './request-session.ts'
import type { Shared } from './shared.ts'

/** The session of the request that is being answered. */
export async function currentRequest(shared: Shared): Promise<RequestSession> {
  const list = await requestHeaders().catch(explainMissing)
  const request = shared.requests.get(list) ?? shared.take(Object.fromEntries(list))
  shared.requests.set(list, request)
  return request
}

/** With `cacheComponents`, only what comes after `connection()` is left out of prerenders and prefetches. */
async function requestHeaders(): Promise<Headers> {
  await connection()
  return headers()
}

/** What Next.js throws to end a prerender is thrown on. */
function explainMissing(error: Error): never {
  const isMissing = /outside a request scope|inside ["`]after\(/.test(error.message)
  throw isMissing ? new Error(noRequest, { cause: error }) : error
}

const noRequest =
  'getSession(): there is no request here. In the Pages Router, wrap getServerSideProps or the API route in handle(); ' +
  'in after() of a page, call getSession() before, and then saveLate(session, change); in a script or a test, use ' +
  'sessions().open(request); at the top level of a module, call it inside the component or handler'

/**
 * Route handlers. What they throw as an answer becomes a Response, to carry the cookie. What the proxy told the browser
 * (`earlier`) is said again, because Next.js lets the response replace it.
 */
export async function serveRoute(
  lazy: Lazy,
  run: Run,
  earlier: Committed | null,
): Promise<unknown> {
  const response = await lazy.around(async () => {
    const own = (await run().catch(responseOf)) as Response
    return isResponse(own) ? (earlier?.applyTo(own) ?? own) : own
  })
  const { cookie = null, formerCookies = [] } = (await lazy.end()) ?? {}
  for (const each of [...formerCookies, cookie]) {
    if (each?.value === '') setExpired(response.headers, each)
  }
  return response
}

/** If the app sets a cookie by `cookies()`, Next.js writes ours anew and drops a Max-Age of 0. */
function setExpired(headers: Headers, { header }: Cookie): void {
  const lines = headers.getSetCookie()
  headers.delete('Set-Cookie')
  for (const line of lines) {
    const expires = line === header ? '; Expires=Thu, 01 Jan 1970 00:00:00 GMT' : ''
    headers.append('Set-Cookie', line + expires)
  }
}

/** Whether Next.js renders a page. Then it takes no cookies: every method that sets them is the same one. */
export async function isRendering(): Promise<boolean> {
  const jar = await cookies()
  return (jar.set as unknown) === jar.delete
}

/** The status of a Response that stands for the one that Next.js makes. */
const standIn = 204

/** Server actions. `known`: has the session if the action called `commit()`, and so reports a failure itself. */
export async function serveAction(lazy: Lazy, run: Run, known: WeakSet<Lazy>): Promise<unknown> {
  const result = run()
  try {
    const { status } = await lazy.around(async () => {
      await result.catch(responseOf)
      return new Response(null, { status: standIn })
    })
    if (status !== standIn && !known.has(lazy)) throw notDone(await lazy.end())
  } finally {
    const committed = await lazy.end().catch(() => null)
    const { cookie, formerCookies = [] } = committed ?? {}
    for (const each of formerCookies) (await cookies()).set(each)
    if (cookie) (await cookies()).set(cookie)
  }
  return result
}

/** An action has no Response, so one that `onFailure` returns becomes an error for the nearest boundary. */
function notDone(committed: Committed | null): Error {
  const { asked, outcome } = committed?.failure ?? {}
  const text = `The ${asked} was not done (${outcome}). To show it without an error, use commit()`
  // In production an error boundary gets the digest, but not the text.
  return Object.assign(new SessionError('unavailable', text), { digest: 'SESSION_UNAVAILABLE' })
}
